/**
 * What holds for every state of an aligned window.
 *
 * @module
 */

import type { AlignedWindowLimit } from "../../../src/algorithms/limit.ts";
import type { AlignedWindowState } from "./kernel.ts";

/** What is wrong with a state; undefined if nothing is. */
export function alignedWindowProblem(state: AlignedWindowState, limit: AlignedWindowLimit): string | undefined {
  const { startUs, count } = state;
  if (!Number.isSafeInteger(count) || count < 0) return `a window of ${count} units`;
  return startUs % limit.windowUs === 0 ? undefined : `a window that begins at ${startUs} µs`;
}

/** More units in a window than the limit allows; undefined if there are not. */
export function alignedWindowExcess(
  { count }: AlignedWindowState,
  { capacity }: AlignedWindowLimit,
): string | undefined {
  return count > capacity ? `${count} units in one window of ${capacity}` : undefined;
}
