/**
 * What holds for every state of a sliding window counter.
 *
 * @module
 */

import type { SlidingWindowCounterLimit } from "../limit.ts";
import type { SlidingWindowCounterState } from "./kernel.ts";
import { windowsProblem } from "../window_invariants.ts";

/** What is wrong with a state; undefined if nothing is. */
export function slidingWindowCounterProblem({ previous, windows }: SlidingWindowCounterState): string | undefined {
  if (!Number.isSafeInteger(previous) || previous < 0) return `${previous} units in the window before`;
  return windowsProblem(windows);
}

/** More units in a window than the limit allows; undefined if there are not. */
export function slidingWindowCounterExcess(
  { previous, windows }: SlidingWindowCounterState,
  { capacity }: SlidingWindowCounterLimit,
): string | undefined {
  const most = Math.max(previous, ...windows.map(({ count }) => count));
  return most > capacity ? `${most} units in one window of ${capacity}` : undefined;
}
