/**
 * What a token bucket says about itself.
 *
 * @module
 */

import { durationWords, exactDuration } from "../../base/duration_words.ts";
import type { Level } from "../kernel.ts";
import type { TokenBucketLimit } from "../limit.ts";
import { type LimitWords, TAKEN_AHEAD } from "../window_words.ts";

/** The words of a token bucket. */
export const tokenBucketWords: LimitWords<TokenBucketLimit> = {
  rule({ quota, windowUs, capacity }) {
    const rate = `${quota} per ${exactDuration(windowUs)}`;
    return capacity === quota ? rate : `${rate}, burst ${capacity}`;
  },
  used: unitsOwed,
  isAhead: ({ burstUs, burstRem }, [us, rem]) => us > burstUs || (us === burstUs && rem > burstRem),
  standing(limit, level) {
    const used = unitsOwed(limit, level);
    const { capacity } = limit;
    if (used === 0) return "the bucket is full";
    const fullIn = `full again in ${durationWords((level[0] + Math.sign(level[1])) / 1_000)}`;
    if (used > capacity) return `empty, and ${used - capacity} more ${TAKEN_AHEAD}; ${fullIn}`;
    return used === capacity ? `empty; ${fullIn}` : `${capacity - used} in the bucket; ${fullIn}`;
  },
  // As the kernel counts it (`earliest`), from the level in place of a state.
  freeInUs({ intervalUs, intervalRem, denominator, burstUs, burstRem }, [us, rem], units) {
    const sum = rem + units * intervalRem;
    const carry = Math.floor(sum / denominator);
    const late = sum - carry * denominator > burstRem ? 1 : 0;
    return Math.max(us + units * intervalUs + carry - burstUs + late, 0);
  },
  refundFor: (limit, level, cost) => Math.max(unitsOwed(limit, level) + cost - limit.capacity, 0),
};

/** Whole units that a bucket lacks of being full. */
function unitsOwed({ intervalUs, intervalRem, denominator }: TokenBucketLimit, [us, rem]: Level): number {
  const owed = BigInt(us) * BigInt(denominator) + BigInt(rem);
  const unit = BigInt(intervalUs) * BigInt(denominator) + BigInt(intervalRem);
  return Number((owed + unit - 1n) / unit);
}
