/**
 * The limits of token buckets: from what a user wrote to what the kernel counts by.
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { show } from "../../base/text.ts";
import type { RateLimit, TokenBucketLimit } from "../limit.ts";
import { MAX_DURATION_US, MAX_PRODUCT, microseconds, whole } from "../numbers.ts";
import type { LimitOptions } from "../options.ts";
import { type Fraction, partOf, reduce, simplestFraction } from "../rational.ts";

/** Whether a limit is a token bucket. */
export function isTokenBucket(limit: RateLimit | undefined): limit is TokenBucketLimit {
  return limit?.algorithm === "token_bucket";
}

/** Checks `ratePerSecond`, or `limit` and `windowMs`, and `burst`. */
export function compileTokenBucket(options: LimitOptions, prefix: string): TokenBucketLimit {
  const { ratePerSecond, limit, windowMs } = options;
  if (ratePerSecond !== undefined && (limit !== undefined || windowMs !== undefined)) {
    throw new ConfigError({
      path: `${prefix}ratePerSecond`,
      expected: "either ratePerSecond, or limit and windowMs (as every algorithm takes), not both",
      received: show(ratePerSecond),
    });
  }
  if (ratePerSecond === undefined) {
    const windowUs = microseconds(windowMs, `${prefix}windowMs`, limit !== undefined);
    const quota = whole(limit, `${prefix}limit`, Math.min(windowUs, 1e12), windowMs !== undefined);
    const burst = options.burst === undefined ? quota : whole(options.burst, `${prefix}burst`, 1e12, true);
    return tokenBucketLimit(BigInt(windowUs), BigInt(quota), burst, prefix);
  }
  if (typeof ratePerSecond !== "number" || !(ratePerSecond >= 1e-7 && ratePerSecond <= 1e6)) {
    throw new ConfigError({
      path: `${prefix}ratePerSecond`,
      expected: "a number above 0 (at least 0.0000001), at most 1 000 000",
      received: show(ratePerSecond),
    });
  }
  const burst = options.burst === undefined ? 1 : whole(options.burst, `${prefix}burst`, 1e12, true);
  const rate = simplestFraction(ratePerSecond);
  return tokenBucketLimit(1_000_000n * BigInt(rate.denominator), BigInt(rate.numerator), burst, prefix);
}

/** A bucket of `burst` units that refills `units` every `periodUs`. */
function tokenBucketLimit(periodUs: bigint, units: bigint, burst: number, prefix: string): TokenBucketLimit {
  const [period, denominator] = reduce(periodUs, units);
  const full = BigInt(burst) * period;
  if (full / denominator > MAX_DURATION_US || BigInt(burst) * denominator > MAX_PRODUCT) {
    throw new ConfigError({
      path: `${prefix}burst`,
      expected: "a bucket that refills within 35 years, with fewer units or a rounder rate",
      received: show(burst),
    });
  }
  return Object.freeze({
    algorithm: "token_bucket",
    capacity: burst,
    windowUs: Number(periodUs),
    quota: Number(units),
    intervalUs: Number(period / denominator),
    intervalRem: Number(period % denominator),
    denominator: Number(denominator),
    burstUs: Number(full / denominator),
    burstRem: Number(full % denominator),
  });
}

/**
 * A bucket from which units are leased: smaller by what refills while they are held, so that units which are used that
 * much later than they were charged do not exceed the bound.
 *
 * @throws {ConfigError} If nothing is left.
 */
export function lendFrom(rate: TokenBucketLimit, leaseUs: number): TokenBucketLimit {
  const [windowUs, quota] = [BigInt(rate.windowUs), BigInt(rate.quota)];
  const lent = Number((BigInt(leaseUs) * quota + windowUs - 1n) / windowUs);
  if (lent < rate.capacity) return tokenBucketLimit(windowUs, quota, rate.capacity - lent, "");
  throw new ConfigError({
    path: "tokenLeaseMs",
    expected: `a shorter time, or a burst above the ${lent} units that refill in it`,
    received: `${leaseUs / 1_000} with a burst of ${rate.capacity}`,
  });
}

/** A share of the rate and of the burst. */
export function shareTokenBucket(rate: TokenBucketLimit, share: Fraction): TokenBucketLimit {
  const capacity = partOf(rate.capacity, share);
  const [windowUs, quota] = [BigInt(rate.windowUs), BigInt(rate.quota) * BigInt(share.numerator)];
  const denominator = BigInt(share.denominator);
  return quota % denominator === 0n
    ? tokenBucketLimit(windowUs, quota / denominator, capacity, "")
    : tokenBucketLimit(windowUs * denominator, quota, capacity, "");
}
