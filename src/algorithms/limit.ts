/**
 * The limits that kernels count by: validated numbers, in integers, ready for arithmetic.
 *
 * @module
 */

/**
 * A token bucket by the generic cell rate algorithm (ITU-T I.371, 1996), exact in integers: one unit takes
 * `intervalUs + intervalRem / denominator` microseconds, and the bucket holds `burst` of them.
 */
export interface TokenBucketLimit {
  /** Which kernel counts it. */
  readonly algorithm: "token_bucket";
  /** The most units it holds. */
  readonly capacity: number;
  /** What a full refill of `quota` units takes, in microseconds: reported, not computed with. */
  readonly windowUs: number;
  /** Units refilled in `windowUs`. */
  readonly quota: number;
  /** Whole microseconds between two units. */
  readonly intervalUs: number;
  /** The rest of that interval, in units of 1 / `denominator` µs. */
  readonly intervalRem: number;
  /** What `intervalRem` counts in; the reduced number of units in a period. */
  readonly denominator: number;
  /** Whole microseconds that `capacity` units take. */
  readonly burstUs: number;
  /** The rest of that, in units of 1 / `denominator` µs. */
  readonly burstRem: number;
}

/** At most `capacity` units in every half-open window of `windowUs`: exact, at 8 bytes a unit. */
export interface SlidingWindowLimit {
  /** Which kernel counts it. */
  readonly algorithm: "sliding_window";
  /** Units in a window. */
  readonly capacity: number;
  /** The window's length in microseconds. */
  readonly windowUs: number;
}

/**
 * A sliding window estimated from two fixed ones: the previous one fades out linearly. Constant size; admits at most
 * `capacity` by the estimate, and always fewer than twice that in any real window.
 */
export interface SlidingWindowCounterLimit {
  /** Which kernel counts it. */
  readonly algorithm: "sliding_window_counter";
  /** Units in a window. */
  readonly capacity: number;
  /** The window's length in microseconds. */
  readonly windowUs: number;
  /** The steps in which the previous window fades, in microseconds: a divisor of `windowUs`. */
  readonly stepUs: number;
}

/** At most `capacity` units in each window; a window opens with the first unit after the last one has ended. */
export interface FixedWindowLimit {
  /** Which kernel counts it. */
  readonly algorithm: "fixed_window";
  /** Units in a window. */
  readonly capacity: number;
  /** The window's length in microseconds. */
  readonly windowUs: number;
}

/** A rate limit of any kind. */
export type RateLimit =
  | TokenBucketLimit
  | SlidingWindowLimit
  | SlidingWindowCounterLimit
  | FixedWindowLimit;

/**
 * How a rate limit counts.
 *
 * - `token_bucket`: `burst` units at once, then a steady rate.
 * - `sliding_window`: At most `limit` in every window of that length.
 * - `sliding_window_counter`: The same by an estimate, in constant space.
 * - `fixed_window`: At most `limit` from the first unit of a window to its end.
 */
export type RateAlgorithm = RateLimit["algorithm"];
