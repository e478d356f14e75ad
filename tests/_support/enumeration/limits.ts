/**
 * Limits small enough to try every schedule on: three units, and windows of three steps.
 *
 * @module
 */

import type { RateLimit } from "../../../src/algorithms/limit.ts";
import { compileLimit } from "../../../src/policy/compile_policy.ts";
import type { LimitOptions } from "../../../src/policy/options.ts";

/** The names of small limits. */
export type SmallLimit = RateLimit["algorithm"] | "token_bucket of 3 in 7 µs";

/** One limit of each algorithm, and a bucket whose interval is no whole number of microseconds. */
export const SMALL_LIMITS: Readonly<Record<SmallLimit, LimitOptions>> = {
  token_bucket: { limit: 3, windowMs: 0.006 },
  "token_bucket of 3 in 7 µs": { limit: 3, windowMs: 0.007 },
  sliding_window: { algorithm: "sliding_window", limit: 3, windowMs: 0.006 },
  sliding_window_counter: { algorithm: "sliding_window_counter", limit: 3, windowMs: 0.006 },
  fixed_window: { algorithm: "fixed_window", limit: 3, windowMs: 0.006 },
};

/** Limits that stand beside those above: they allow less, and over other times. */
export const SECOND_LIMITS: Readonly<Record<RateLimit["algorithm"], LimitOptions>> = {
  token_bucket: { limit: 2, windowMs: 0.008 },
  sliding_window: { algorithm: "sliding_window", limit: 2, windowMs: 0.004 },
  sliding_window_counter: { algorithm: "sliding_window_counter", limit: 2, windowMs: 0.004 },
  fixed_window: { algorithm: "fixed_window", limit: 2, windowMs: 0.004 },
};

/** Limits as kernels count by them. */
export function compiled(limits: readonly LimitOptions[]): RateLimit[] {
  return limits.map((options) => compileLimit(options, ""));
}

/** How far a step moves the clock: a unit's interval is two steps of 1 µs, a window three of 2 µs. */
export function passUs(limits: readonly LimitOptions[]): number {
  return limits.length === 1 && limits[0]?.algorithm === undefined ? 1 : 2;
}
