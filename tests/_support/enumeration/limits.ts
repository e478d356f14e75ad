/**
 * Limits small enough to try every schedule on: three units, and windows of three steps.
 *
 * @module
 */

import type { RateLimit } from "../../../src/algorithms/limit.ts";

/** The names of small limits. */
export type SmallLimit = RateLimit["algorithm"] | "token_bucket of 3 in 7 µs";

/** One limit of each algorithm, and a bucket whose interval is no whole number of microseconds. */
export const SMALL_LIMITS: Readonly<Record<SmallLimit, RateLimit>> = {
  token_bucket: bucket(3, { intervalUs: 2, intervalRem: 0, denominator: 1 }),
  "token_bucket of 3 in 7 µs": bucket(3, { intervalUs: 2, intervalRem: 1, denominator: 3 }),
  sliding_window: { algorithm: "sliding_window", capacity: 3, windowUs: 6 },
  sliding_window_counter: { algorithm: "sliding_window_counter", capacity: 3, windowUs: 6, stepUs: 2 },
  fixed_window: { algorithm: "fixed_window", capacity: 3, windowUs: 6 },
};

/** Limits that stand beside those above: they allow less, and over other times. */
export const SECOND_LIMITS: Readonly<Record<RateLimit["algorithm"], RateLimit>> = {
  token_bucket: bucket(2, { intervalUs: 4, intervalRem: 0, denominator: 1 }),
  sliding_window: { algorithm: "sliding_window", capacity: 2, windowUs: 4 },
  sliding_window_counter: { algorithm: "sliding_window_counter", capacity: 2, windowUs: 4, stepUs: 2 },
  fixed_window: { algorithm: "fixed_window", capacity: 2, windowUs: 4 },
};

/** How far a step moves the clock: a unit's interval is two steps of 1 µs, a window three of 2 µs. */
export function passUs(name: SmallLimit): number {
  return SMALL_LIMITS[name].algorithm === "token_bucket" ? 1 : 2;
}

function bucket(
  capacity: number,
  interval: { readonly intervalUs: number; readonly intervalRem: number; readonly denominator: number },
): RateLimit {
  const { intervalUs, intervalRem, denominator } = interval;
  const ticks = capacity * (intervalUs * denominator + intervalRem);
  const [burstUs, burstRem] = [Math.floor(ticks / denominator), ticks % denominator];
  return { algorithm: "token_bucket", capacity, windowUs: burstUs, quota: capacity, ...interval, burstUs, burstRem };
}
