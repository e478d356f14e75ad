/**
 * What a token bucket remembers of units that were given back, so that each take can tell how far what was given back
 * in front of it has moved it.
 *
 * A take has a share of the debt, which ends where the bucket stood right after it. A share is known by where it
 * ends in a sum that never shrinks: the instant at which the bucket is full, and all that was given back so far.
 *
 * @module
 */

import type { TokenBucketLimit } from "../limit.ts";

/** Time in whole microseconds, and the rest in units of 1 / `denominator` µs. */
export interface Span {
  /** Whole microseconds. */
  readonly us: number;
  /** The rest; below the denominator. */
  readonly rem: number;
}

/** Something that was given back out of a share. */
export interface Returned extends Span {
  /** Where the share ended, in whole microseconds of the sum that never shrinks. */
  readonly endUs: number;
}

/** All that was given back since the bucket began to remember. */
export interface GivenBack extends Span {
  /**
   * From this instant on, no take from before the last give-back can be in debt; 0 where that is not before the instant
   * at which the bucket is full, and all that was given back.
   */
  readonly untilUs: number;
  /** The newest shares, oldest first. What is not here counts as given back in front of every take. */
  readonly shares: readonly Returned[];
}

/** How many shares a bucket remembers; of older ones only how much was given back. */
export const MAX_SHARES = 8;

/** More than this is not remembered exactly, and so not given back: 142 years. */
const MOST_US = 2 ** 52;

/** Nothing. */
export const NOTHING: GivenBack = Object.freeze({ us: 0, rem: 0, untilUs: 0, shares: Object.freeze([]) });

/** The sum of two spans. */
export function plus(a: Span, b: Span, { denominator }: TokenBucketLimit): Span {
  const rem = a.rem + b.rem;
  return rem < denominator ? { us: a.us + b.us, rem } : { us: a.us + b.us + 1, rem: rem - denominator };
}

/** The first span less the second; its `us` is below 0 where that is more. */
export function minus(a: Span, b: Span, { denominator }: TokenBucketLimit): Span {
  const rem = a.rem - b.rem;
  return rem >= 0 ? { us: a.us - b.us, rem } : { us: a.us - b.us - 1, rem: rem + denominator };
}

/** The shorter of two spans. */
export function shorter(a: Span, b: Span): Span {
  return a.us < b.us || (a.us === b.us && a.rem < b.rem) ? a : b;
}

/** What was given back in front of a share since it was taken. */
export function inFront(back: GivenBack, endUs: number, before: Span, limit: TokenBucketLimit): Span {
  let sum = minus(back, before, limit);
  for (const share of back.shares) if (share.endUs > endUs) sum = minus(sum, share, limit);
  return sum.us < 0 ? NOTHING : sum;
}

/** Remembers what is given back. Undefined where that cannot be counted any more. */
export function remember(
  back: GivenBack,
  share: Returned,
  nowUs: number,
  untilUs: number,
  limit: TokenBucketLimit,
): GivenBack | undefined {
  const { us, rem } = plus(back, share, limit);
  if (us > MOST_US) return undefined;
  const place = back.shares.findLastIndex(({ endUs }) => endUs <= share.endUs) + 1;
  const shares = back.shares.toSpliced(place, 0, share);
  // A share that ends where everything is refilled matters to none before it.
  let behind: Span = NOTHING;
  let from = shares.length;
  while (from > 0 && shares.length - from < MAX_SHARES) {
    const last = shares[from - 1] as Returned;
    const standsUs = last.endUs - (us - behind.us) + 2;
    if (standsUs <= nowUs) break;
    behind = plus(behind, last, limit);
    from--;
  }
  return { us, rem, untilUs: Math.max(back.untilUs, untilUs), shares: shares.slice(from) };
}

/** When a bucket that is full at `tatUs` can forget what was given back: every older take is refilled then. */
export function forgottenFromUs(tatUs: number, { us, untilUs }: GivenBack): number {
  const sumUs = tatUs + us + 1;
  return untilUs > 0 && untilUs < sumUs ? Math.max(tatUs + 1, untilUs) : sumUs;
}

/** The same for a bucket that is full at `tat`, without what that tells. */
export function tidied(back: GivenBack, tat: Span, limit: TokenBucketLimit): GivenBack {
  const sumUs = plus(tat, back, limit).us;
  const untilUs = back.untilUs > tat.us + back.us ? 0 : back.untilUs;
  const { shares } = back;
  if (untilUs === back.untilUs && shares.every(({ endUs }) => endUs <= sumUs)) return back;
  return { ...back, untilUs, shares: shares.map((share) => ({ ...share, endUs: Math.min(share.endUs, sumUs) })) };
}
