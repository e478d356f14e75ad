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
 * Redis stores the start and the count of a window as one integer, if counts stay below this. The bits that are left tell
 * apart starts of 25 days: a clock may be set by half of that before the scripts take a window for another one.
 */
const BELOW = 2 ** 11;

/** The largest integer that such a window may be, which a double holds; and for how many windows starts must differ. */
const [MOST, WINDOWS] = [2 ** 52, 8];

/** `BELOW`, or 0 for windows that are too long for it. A new capacity of a limit therefore changes no stored form. */
function countsBelow(windowUs: number): number {
  return windowUs * WINDOWS * BELOW <= MOST ? BELOW : 0;
}
