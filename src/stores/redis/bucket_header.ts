/**
 * What alike takes from a token bucket have in common, worked out once and kept.
 *
 * @module
 */

import type { TokenBucketLimit } from "../../algorithms/limit.ts";
import { FOREVER_US } from "../../algorithms/numbers.ts";
import type { TakeRequest, Target } from "../store.ts";
import { type GroupHeader, type HeaderOf, keptHeaders } from "../alike_takes.ts";
import { type BucketTerms, spanOf } from "../bucket_replies.ts";

/** What the takes of a group have in common. Its `maxTimes` takes add up exactly in a double. */
export interface BucketHeader extends GroupHeader, BucketTerms {
  /** Those of the {@linkcode FLAGS} that always hold. */
  readonly flags: number;
  /** The arguments of the script after the number of entries. */
  readonly args: readonly string[];
  /** Whether most buckets of the last group were in use and had room, as those of the next will: the script takes first. */
  inUse: boolean;
}

/** What a group is, as one number: bits, and how many entries it has. */
export const FLAGS = { peek: 1, wait: 2, fraction: 4, counts: 8, inUse: 16, entry: 32 } as const;

/** Products stay exact in a double. */
const MAX_PRODUCT = 2 ** 52;

/** The header of a take from one token bucket. */
export const bucketHeaderOf: HeaderOf<BucketHeader> = keptHeaders(makeHeader);

/** A number as an argument of a script. */
export function integerArg(value: number): string {
  return String(Math.min(Math.ceil(value), FOREVER_US));
}

/**
 * The TTL tag of a bucket says by which steps its key lives: 50, and more by the power of four of its milliseconds. It is a
 * quarter of a full refill at most, and 262 s.
 */
function ttlTagOf(burstUs: number): string {
  let power = 0;
  for (let stepUs = 1_000; stepUs * 16 <= burstUs && power < 9; stepUs *= 4) power++;
  return String(50 + power);
}

function makeHeader({ mode, maxWaitUs }: TakeRequest, { policy, cost }: Target): BucketHeader {
  const rate = policy.rates[0] as TokenBucketLimit;
  const { denominator, burstUs, burstRem } = rate;
  const { costUs, costRem } = spanOf(cost, rate);
  const args = [String(burstUs), String(costUs), ttlTagOf(burstUs)];
  if (mode === "wait") args.push(integerArg(maxWaitUs));
  if (denominator > 1) args.push(...[costRem, denominator, burstRem, String(denominator - 1).length].map(String));
  return {
    policy,
    rate,
    mode,
    maxWaitUs,
    cost,
    costUs,
    costRem,
    maxTimes: Math.floor(MAX_PRODUCT / denominator),
    flags: (mode === "peek" ? FLAGS.peek : mode === "wait" ? FLAGS.wait : 0) + (denominator > 1 ? FLAGS.fraction : 0),
    args,
    inUse: false,
  };
}
