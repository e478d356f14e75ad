/**
 * Token bucket, as a row of the table of algorithms.
 *
 * @module
 */

import type { Algorithm, Standing } from "../algorithm.ts";
import type { Level } from "../kernel.ts";
import type { TokenBucketLimit } from "../limit.ts";
import { compileTokenBucket, lendFrom, shareTokenBucket } from "./limit.ts";

/** The row of a token bucket. */
export const tokenBucketAlgorithm: Algorithm<TokenBucketLimit> = Object.freeze({
  name: "token_bucket",
  letter: "t",
  hasOwnKey: false,
  deniesUntilReady: true,
  compile: compileTokenBucket,
  share: shareTokenBucket,
  lend: lendFrom,
  numbers({ intervalUs, intervalRem, denominator, burstUs, burstRem }: TokenBucketLimit): readonly number[] {
    const digits = denominator === 1 ? 0 : String(denominator - 1).length;
    return [intervalUs, intervalRem, denominator, burstUs, burstRem, digits];
  },
  standing: (limit: TokenBucketLimit, level: Level): Standing => ({
    remaining: remainingOf(limit, level),
    windowMs: (limit.burstUs + Math.sign(limit.burstRem)) / 1_000,
    resetAfterMs: (level[0] + Math.sign(level[1])) / 1_000,
  }),
  // Long before it is full.
  nextUnitMs(limit: number, { windowMs, resetAfterMs }: Omit<Standing, "remaining">): number {
    const others = (limit - 1) * Math.round(windowMs * 1_000) / limit; // when these are free too, it is full
    return (Math.round(resetAfterMs * 1_000) - Math.floor(others) + (Number.isInteger(others) ? 0 : 1)) / 1_000;
  },
  age: ([us, rem]: Level, ageUs: number): Level => us < ageUs ? [0, 0] : [us - ageUs, rem],
});

/** Whole units in a bucket that lacks `level` of being full. */
function remainingOf(rate: TokenBucketLimit, [debtUs, debtRem]: Level): number {
  const { burstUs, burstRem, denominator, intervalUs, intervalRem, capacity } = rate;
  if (debtUs > burstUs || (debtUs === burstUs && debtRem >= burstRem)) return 0;
  const owed = debtUs * denominator + debtRem;
  const unit = intervalUs * denominator + intervalRem;
  if (owed < Number.MAX_SAFE_INTEGER - unit) return capacity - Math.ceil(owed / unit);
  const exact = BigInt(debtUs) * BigInt(denominator) + BigInt(debtRem);
  const size = BigInt(intervalUs) * BigInt(denominator) + BigInt(intervalRem);
  return capacity - Number((exact + size - 1n) / size);
}
