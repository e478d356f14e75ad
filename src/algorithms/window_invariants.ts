/**
 * What holds for windows that follow one another.
 *
 * @module
 */

import type { Window } from "./windows.ts";

/** What is wrong with windows; undefined if nothing is. Rules may have changed, so their lengths need not be the same. */
export function windowsProblem(windows: readonly Window[]): string | undefined {
  let lastUs = -1;
  for (const { startUs, count } of windows) {
    if (!Number.isSafeInteger(startUs) || startUs <= lastUs) return "its windows are not in order";
    if (!Number.isSafeInteger(count) || count < 0) return `a window of ${count} units`;
    lastUs = startUs;
  }
  return windows.at(-1)?.count === 0 ? "its last window is empty" : undefined;
}
