/**
 * Sliding window counter, as a row of the table of algorithms.
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { show } from "../../base/text.ts";
import type { Algorithm } from "../algorithm.ts";
import type { SlidingWindowCounterLimit } from "../limit.ts";
import { MAX_PRODUCT } from "../numbers.ts";
import type { LimitOptions } from "../options.ts";
import { ageWindow, compileWindow, shareWindow, windowNextUnitMs, windowStanding } from "../window.ts";

/** The row of a sliding window counter. */
export const slidingWindowCounterAlgorithm: Algorithm<SlidingWindowCounterLimit> = Object
  .freeze({
    name: "sliding_window_counter",
    letter: "c",
    hasOwnKey: false,
    deniesUntilReady: false,
    compile,
    share: shareWindow,
    numbers: (
      { capacity, windowUs, stepUs }: SlidingWindowCounterLimit,
    ): readonly number[] => [capacity, windowUs, stepUs],
    standing: windowStanding,
    nextUnitMs: windowNextUnitMs,
    age: ageWindow,
  });

function compile(options: LimitOptions, prefix: string): SlidingWindowCounterLimit {
  const window = compileWindow("sliding_window_counter", options, prefix);
  return Object.freeze({ ...window, stepUs: fadeStep(window.capacity, window.windowUs, prefix) });
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
