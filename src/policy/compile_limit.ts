/**
 * One rate limit, from what a user wrote to what kernels count by.
 *
 * @module
 */

import type { RateLimit, TokenBucketLimit } from "../algorithms/limit.ts";
import { ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import { unknownWord } from "../base/unknown_options.ts";
import type { LimitOptions } from "./options.ts";
import { type Fraction, reduce, simplestFraction } from "./rational.ts";

const ALGORITHMS = ["token_bucket", "sliding_window", "sliding_window_counter", "fixed_window"] as const;

/** Durations stay below 35 years, so that an instant plus a duration is exact in a double. */
const MAX_DURATION_US = 2 ** 50;

/** Products of units and steps stay exact in a double. */
const MAX_PRODUCT = 2 ** 52;

/** The most units in one window: 8 MB a key. */
const MAX_SLIDING_WINDOW = 1_000_000;

/**
 * Checks one limit and prepares it for arithmetic.
 *
 * @param options The limit as written.
 * @param prefix Where it stands, for messages: `limits[1].`.
 * @throws {ConfigError} If anything is missing, contradictory or out of range.
 */
export function compileLimit(options: LimitOptions, prefix: string): RateLimit {
  const { algorithm = "token_bucket" } = options;
  if (!ALGORITHMS.includes(algorithm)) {
    throw unknownWord(`${prefix}algorithm`, ALGORITHMS, algorithm);
  }
  if (algorithm === "token_bucket") return compileTokenBucket(options, prefix);
  for (const key of ["ratePerSecond", "burst"] as const) {
    if (options[key] === undefined) continue;
    throw new ConfigError({
      path: `${prefix}${key}`,
      expected: `limit and windowMs only, with algorithm ${show(algorithm)}`,
      received: show(options[key]),
    });
  }
  const windowUs = microseconds(options.windowMs, `${prefix}windowMs`, options.limit !== undefined);
  const max = algorithm === "sliding_window" ? MAX_SLIDING_WINDOW : 2 ** 31;
  const capacity = whole(options.limit, `${prefix}limit`, max, true);
  if (algorithm === "sliding_window_counter") {
    return Object.freeze({ algorithm, capacity, windowUs, stepUs: fadeStep(capacity, windowUs, prefix) });
  }
  return Object.freeze({ algorithm, capacity, windowUs });
}

function compileTokenBucket(options: LimitOptions, prefix: string): TokenBucketLimit {
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
export function lendFrom(rate: RateLimit, leaseUs: number): RateLimit {
  if (rate.algorithm !== "token_bucket") return rate;
  const [windowUs, quota] = [BigInt(rate.windowUs), BigInt(rate.quota)];
  const lent = Number((BigInt(leaseUs) * quota + windowUs - 1n) / windowUs);
  if (lent < rate.capacity) return tokenBucketLimit(windowUs, quota, rate.capacity - lent, "");
  throw new ConfigError({
    path: "tokenLeaseMs",
    expected: `a shorter time, or a burst above the ${lent} units that refill in it`,
    received: `${leaseUs / 1_000} with a burst of ${rate.capacity}`,
  });
}

/** A share of some units, rounded down, but one at least. */
export function partOf(units: number, { numerator, denominator }: Fraction): number {
  return Math.max(Number(BigInt(units) * BigInt(numerator) / BigInt(denominator)), 1);
}

/**
 * A share of a limit: the rate and the burst of a token bucket, the units of a window.
 *
 * @throws {ConfigError} If a bucket would refill too slowly.
 */
export function shareLimit(rate: RateLimit, share: Fraction): RateLimit {
  const capacity = partOf(rate.capacity, share);
  if (rate.algorithm !== "token_bucket") return Object.freeze({ ...rate, capacity });
  const [windowUs, quota] = [BigInt(rate.windowUs), BigInt(rate.quota) * BigInt(share.numerator)];
  const denominator = BigInt(share.denominator);
  return quota % denominator === 0n
    ? tokenBucketLimit(windowUs, quota / denominator, capacity, "")
    : tokenBucketLimit(windowUs * denominator, quota, capacity, "");
}

/** The finest power of ten by which the previous window can fade with exact products. */
function fadeStep(capacity: number, windowUs: number, prefix: string): number {
  for (let stepUs = 1; windowUs % stepUs === 0; stepUs *= 10) {
    if (capacity * (windowUs / stepUs + 1) <= MAX_PRODUCT) return stepUs;
  }
  throw new ConfigError({
    path: `${prefix}windowMs`,
    expected: "a rounder window, or a smaller limit, for sliding_window_counter",
    received: show(windowUs / 1_000),
  });
}

function microseconds(value: unknown, path: string, needed: boolean): number {
  const us = typeof value === "number" ? Math.round(value * 1_000) : NaN;
  if (us >= 1 && us <= MAX_DURATION_US) return us;
  throw new ConfigError({
    path,
    expected: "milliseconds above 0 (at least 0.001), at most 35 years",
    received: value === undefined && needed ? "nothing, beside a limit" : show(value),
  });
}

function whole(value: unknown, path: string, max: number, needed: boolean): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new ConfigError({
    path,
    expected: `a whole number from 1 to ${max}`,
    received: value === undefined && needed ? "nothing, beside a window" : show(value),
  });
}
