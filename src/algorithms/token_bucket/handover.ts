/**
 * Token buckets whose rules change.
 *
 * @module
 */

import type { Handover } from "../handover.ts";
import type { Run } from "../kernel.ts";
import type { TokenBucketLimit } from "../limit.ts";
import { promisedOf, refillsInTime, tokenBucket, type TokenBucketState } from "./kernel.ts";

/** How token buckets are handed over: no bucket is full later than it could be under its new rules. */
export const tokenBucketHandover: Handover<TokenBucketLimit, TokenBucketState> = Object.freeze({
  spanUs: ({ burstUs }: TokenBucketLimit): number => burstUs,
  countsAlike: (a: TokenBucketLimit, b: TokenBucketLimit): boolean =>
    a.intervalUs === b.intervalUs && a.intervalRem === b.intervalRem && a.denominator === b.denominator,
  adapt: (state: TokenBucketState, runs: readonly Run[], nowUs: number, limit: TokenBucketLimit): TokenBucketState =>
    refillsInTime(state, runs[0]?.atUs ?? 0, nowUs, limit),
  alsoTake(
    state: TokenBucketState,
    nowUs: number,
    atUs: number,
    units: number,
    limit: TokenBucketLimit,
  ): TokenBucketState {
    const promisedUs = Math.max(atUs > nowUs ? atUs : 0, promisedOf(state, limit));
    const after = tokenBucket.take(state, nowUs, atUs, Math.min(units, limit.capacity), limit);
    return refillsInTime(after, promisedUs, nowUs, limit);
  },
  fromRuns(runs: readonly Run[], nowUs: number, limit: TokenBucketLimit): TokenBucketState {
    let state = tokenBucket.fresh();
    // More than the bucket holds only waits for a full refill.
    for (const { atUs, units } of runs) {
      state = tokenBucket.take(state, nowUs, atUs, Math.min(units, limit.capacity), limit);
    }
    return refillsInTime(state, runs.at(-1)?.atUs ?? 0, nowUs, limit);
  },
});
