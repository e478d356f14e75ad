/**
 * Fixed window, as a row of the table of algorithms.
 *
 * @module
 */

import type { Algorithm } from "../algorithm.ts";
import type { FixedWindowLimit } from "../limit.ts";
import type { LimitOptions } from "../options.ts";
import { ageWindow, compileWindow, shareWindow, windowNextUnitMs, windowStanding } from "../window.ts";

/** The row of a fixed window. */
export const fixedWindowAlgorithm: Algorithm<FixedWindowLimit> = Object.freeze({
  name: "fixed_window",
  letter: "f",
  hasOwnKey: false,
  deniesUntilReady: false,
  compile: (options: LimitOptions, prefix: string): FixedWindowLimit => compileWindow("fixed_window", options, prefix),
  share: shareWindow,
  numbers: ({ capacity, windowUs }: FixedWindowLimit): readonly number[] => [capacity, windowUs],
  standing: windowStanding,
  nextUnitMs: windowNextUnitMs,
  age: ageWindow,
});
