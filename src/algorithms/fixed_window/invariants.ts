/**
 * What holds for every state of a fixed window.
 *
 * @module
 */

import type { FixedWindowState } from "./kernel.ts";
import type { FixedWindowLimit } from "../limit.ts";
import { windowsProblem } from "../window_invariants.ts";

/** What is wrong with a state; undefined if nothing is. */
export function fixedWindowProblem({ windows }: FixedWindowState): string | undefined {
  return windowsProblem(windows);
}

/** More units in a window than the limit allows; undefined if there are not. */
export function fixedWindowExcess({ windows }: FixedWindowState, { capacity }: FixedWindowLimit): string | undefined {
  const full = windows.find(({ count }) => count > capacity);
  return full && `${full.count} units in one window of ${capacity}`;
}
