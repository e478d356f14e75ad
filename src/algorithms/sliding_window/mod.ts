/**
 * Exact sliding window, as a row of the table of algorithms.
 *
 * @module
 */

import type { Algorithm } from "../algorithm.ts";
import type { SlidingWindowLimit } from "../limit.ts";
import type { LimitOptions } from "../options.ts";
import { ageWindow, compileWindow, shareWindow, windowNextUnitMs, windowStanding } from "../window.ts";

/** The most units in one window: 8 MB a key. */
const MAX_UNITS = 1_000_000;

/** The row of an exact sliding window. */
export const slidingWindowAlgorithm: Algorithm<SlidingWindowLimit> = Object.freeze({
  name: "sliding_window",
  letter: "s",
  hasOwnKey: true,
  counterpart: "sliding_window_counter",
  deniesUntilReady: false,
  compile: (options: LimitOptions, prefix: string): SlidingWindowLimit =>
    compileWindow("sliding_window", options, prefix, MAX_UNITS),
  share: shareWindow,
  numbers: ({ capacity, windowUs }: SlidingWindowLimit): readonly number[] => [capacity, windowUs],
  standing: windowStanding,
  nextUnitMs: windowNextUnitMs,
  age: ageWindow,
});
