/**
 * Aligned window, as a row of the table of algorithms: the algorithm that new_algorithm_test.ts adds to a copy of the
 * package. Its imports are those of a folder in `src/algorithms/`, which is as deep as this one.
 *
 * @module
 */

import type { Algorithm } from "../../../src/algorithms/algorithm.ts";
import type { AlignedWindowLimit } from "../../../src/algorithms/limit.ts";
import type { LimitOptions } from "../../../src/algorithms/options.ts";
import {
  ageWindow,
  compileWindow,
  shareWindow,
  windowNextUnitMs,
  windowStanding,
} from "../../../src/algorithms/window.ts";

/** The row of an aligned window. */
export const alignedWindowAlgorithm: Algorithm<AlignedWindowLimit> = Object.freeze({
  name: "aligned_window",
  letter: "a",
  hasOwnKey: false,
  deniesUntilReady: false,
  compile: (options: LimitOptions, prefix: string): AlignedWindowLimit =>
    compileWindow("aligned_window", options, prefix),
  share: shareWindow,
  numbers: ({ capacity, windowUs }: AlignedWindowLimit): readonly number[] => [capacity, windowUs],
  standing: windowStanding,
  nextUnitMs: windowNextUnitMs,
  age: ageWindow,
});
