/**
 * Windows that follow one another: those of a fixed window and of a sliding window counter, oldest first.
 *
 * Units that wait are counted in the window for which they were taken, behind the present one. Nothing is dropped before
 * its window has ended, so that units can be given back wherever they were taken.
 *
 * @module
 */

import { latestPromise, type Reach, reachOf } from "./reach.ts";

/** One window and what was taken in it. */
export interface Window {
  /** When it opened or will open. */
  readonly startUs: number;
  /** Units taken in it. */
  count: number;
}

/** Where the window that starts at an instant is; -1 if there is none. */
export function findWindow(windows: readonly Window[], startUs: number): number {
  let low = 0;
  let high = windows.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((windows[middle] as Window).startUs < startUs) low = middle + 1;
    else high = middle;
  }
  return windows[low]?.startUs === startUs ? low : -1;
}

/** Where the newest window that has opened is; -1 if none has. */
export function openedWindow(windows: readonly Window[], nowUs: number): number {
  let low = 0;
  let high = windows.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((windows[middle] as Window).startUs <= nowUs) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Takes units out of a window, as many as it has. Returns how many that were. */
export function subtract(window: Window, units: number): number {
  const taken = Math.min(units, window.count);
  window.count -= taken;
  return taken;
}

/** Drops windows at the end in which nothing is taken any more: no call relies on when they open. */
export function trim(windows: Window[]): void {
  while (windows.at(-1)?.count === 0) windows.pop();
}

/** How far ahead the first window may start: none waits for it where it has opened. */
export function reachOfFirst(
  windows: readonly Window[],
  nowUs: number,
  windowUs: number,
  before: Reach | undefined,
): Reach | undefined {
  const first = windows[0];
  return first === undefined || first.startUs <= nowUs ? undefined : reachOf(first.startUs - nowUs, windowUs, before);
}

/**
 * The windows as they stand after a step back of the clock: all moved so that the first one starts when it can, with the
 * units that are counted in them. The same windows where the clock has not stepped back so far.
 */
export function settleWindows(windows: Window[], nowUs: number, windowUs: number, reach: Reach | undefined): Window[] {
  const first = windows[0];
  if (first === undefined || first.startUs <= nowUs) return windows;
  const latestUs = latestPromise(nowUs, reach, windowUs);
  if (first.startUs <= latestUs) return windows;
  const backUs = first.startUs - latestUs;
  return windows.map(({ startUs, count }) => ({ startUs: startUs - backUs, count }));
}
