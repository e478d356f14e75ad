/**
 * What a user writes to describe one rate limit.
 *
 * @module
 */

import type { RateAlgorithm } from "./limit.ts";

/** One rate limit. Give either `ratePerSecond`, or `limit` and `windowMs`. */
export interface LimitOptions {
  /** How it counts. @default {"token_bucket"} */
  readonly algorithm?: RateAlgorithm;
  /** Units a second, from 0.0000001 to 1 000 000; 0.5 is one every two seconds. Token bucket only. */
  readonly ratePerSecond?: number;
  /** Units a window, a whole number from 1. A token bucket refills this many a window. */
  readonly limit?: number;
  /** The window's length, in milliseconds; at least 0.001. */
  readonly windowMs?: number;
  /**
   * The most units a token bucket holds, a whole number from 1.
   * @default 1 with `ratePerSecond` (calls are paced evenly), `limit` with `limit` and `windowMs`.
   */
  readonly burst?: number;
}
