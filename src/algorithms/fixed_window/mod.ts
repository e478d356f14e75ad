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
  numbers: ({ capacity, windowUs }: FixedWindowLimit): readonly number[] => [capacity, windowUs, countsBelow(windowUs)],
  standing: windowStanding,
  nextUnitMs: windowNextUnitMs,
  age: ageWindow,
});

/**
 * Below what counts must stay that are stored beside the start of a window in one integer. It leaves as much of the start
 * as tells some weeks apart: by so much may a clock be set without that a window is taken for another one.
 */
const BELOW = 2 ** 11;

/** What both have to fit into together, so that a double holds them; and how many windows must be told apart. */
const [MOST, WINDOWS] = [2 ** 52, 8];

/** 0 where windows are so long that they are not stored like that. It depends on no capacity: another one needs no other form. */
function countsBelow(windowUs: number): number {
  return windowUs * WINDOWS * BELOW <= MOST ? BELOW : 0;
}
