/**
 * What limits promise, by their numbers alone: the most that they admit, and the longest that they let wait.
 *
 * @module
 */

import type { RateLimit } from "../../../src/algorithms/limit.ts";

/** The most units that a limit admits at instants that are `us` apart at most. */
export function boundIn(limit: RateLimit, us: number): number {
  const { capacity } = limit;
  switch (limit.algorithm) {
    case "token_bucket":
      return capacity + refilledIn(limit, us);
    case "sliding_window":
      return capacity * (Math.floor(us / limit.windowUs) + 1);
    case "sliding_window_counter":
      return (2 * capacity - 1) * (Math.floor(us / limit.windowUs) + 1);
    case "fixed_window":
      return capacity * (Math.floor(us / limit.windowUs) + 2);
  }
}

/** The most units that limits admit together at instants that are `us` apart at most. */
export function admits(rates: readonly RateLimit[], us: number): number {
  return Math.min(...rates.map((limit) => boundIn(limit, us)));
}

/** What a token bucket refills within so long; nothing for other limits. */
export function refilledIn(limit: RateLimit, us: number): number {
  if (limit.algorithm !== "token_bucket") return 0;
  const { intervalUs, intervalRem, denominator } = limit;
  // Where a unit takes no whole number of microseconds, an arrival is within the one that ends at its instant.
  return Math.floor((us + (denominator > 1 ? 1 : 0)) * denominator / (intervalUs * denominator + intervalRem));
}

/** How long a limit takes to be free as a whole. */
export function spanUs(limit: RateLimit): number {
  return limit.algorithm === "token_bucket" ? limit.burstUs : limit.windowUs;
}

/** The longest wait for one limit, behind what is promised to callers that wait. */
export function longestWaitUs(limit: RateLimit): number {
  return limit.algorithm === "sliding_window_counter" ? 2 * spanUs(limit) : spanUs(limit) + 1;
}

/** The longest wait for any of some limits. */
export function fullRefillUs(rates: readonly RateLimit[]): number {
  return Math.max(0, ...rates.map((limit) => longestWaitUs(limit)));
}

/**
 * The windows that count after they have opened. While the first one does, those behind it stay where they are, although the
 * clock has stepped back by as much.
 */
export function countedWindows({ algorithm }: RateLimit): number {
  if (algorithm === "sliding_window_counter") return 2;
  return algorithm === "fixed_window" ? 1 : 0;
}
