/**
 * What holds for every state of a token bucket.
 *
 * @module
 */

import type { TokenBucketLimit } from "../limit.ts";

/** A state, as far as it is checked. */
interface Checked {
  readonly tatUs: number;
  readonly tatRem: number;
  readonly promisedUs?: number | undefined;
  readonly back?: {
    readonly us: number;
    readonly rem: number;
    readonly shares: readonly { readonly us: number; readonly rem: number; readonly endUs: number }[];
  } | undefined;
}

/** What is wrong with a state; undefined if nothing is. */
export function tokenBucketProblem(state: object, { denominator }: TokenBucketLimit): string | undefined {
  const { tatUs, tatRem, promisedUs, back } = state as Checked;
  const isSpan = (us: number, rem: number) => isCount(us) && isCount(rem) && rem < denominator;
  if (!isSpan(tatUs, tatRem)) return `it is full at ${tatUs} µs and ${tatRem} of ${denominator}`;
  if (promisedUs !== undefined && !isCount(promisedUs)) return `an instant of ${promisedUs} µs is promised`;
  if (back === undefined) return undefined;
  if (!isSpan(back.us, back.rem)) return `${back.us} µs and ${back.rem} of ${denominator} were given back`;
  let [sumUs, sumRem, lastUs] = [0, 0, -Infinity];
  for (const { us, rem, endUs } of back.shares) {
    if (!isSpan(us, rem)) return `a share of ${us} µs and ${rem} of ${denominator} was given back`;
    if (endUs < lastUs) return "the shares that were given back are not in order";
    lastUs = endUs;
    sumUs += us;
    sumRem += rem;
  }
  const shares = BigInt(sumUs) * BigInt(denominator) + BigInt(sumRem);
  const all = BigInt(back.us) * BigInt(denominator) + BigInt(back.rem);
  return shares <= all ? undefined : "more shares were given back than units";
}

function isCount(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0;
}
