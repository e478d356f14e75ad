/**
 * Fixed window: a count that starts over. A window opens with the first unit after the last one has ended, or, for
 * units that wait, right behind it.
 *
 * @module
 */

import type { Kernel, Level, Mark, Run } from "../kernel.ts";
import type { FixedWindowLimit } from "../limit.ts";
import { findWindow, openedWindow, subtract, trim, type Window } from "../windows.ts";

/** The present window, and those behind it that are promised to callers who wait. */
export interface FixedWindowState {
  /** Oldest first; empty where nothing is taken. They do not overlap. */
  readonly windows: Window[];
}

const FRESH: FixedWindowState = Object.freeze({ windows: Object.freeze([] as Window[]) as Window[] });

/** The arithmetic of a fixed window. */
export const fixedWindow: Kernel<FixedWindowLimit, FixedWindowState> = Object.freeze({
  fresh: (): FixedWindowState => FRESH,

  // In order of arrival: a new call takes from the last promised window, or from one behind it.
  earliest({ windows }: FixedWindowState, nowUs: number, cost: number, limit: FixedWindowLimit): number {
    const last = windows.at(-1);
    if (last === undefined) return nowUs;
    return Math.max(nowUs, last.count + cost <= limit.capacity ? last.startUs : last.startUs + limit.windowUs);
  },

  take(
    { windows }: FixedWindowState,
    nowUs: number,
    atUs: number,
    cost: number,
    limit: FixedWindowLimit,
  ): FixedWindowState {
    const last = windows.at(-1);
    if (last === undefined) return { windows: [{ startUs: atUs, count: cost }] };
    if (atUs < last.startUs + limit.windowUs) last.count += cost;
    else windows.push({ startUs: atUs, count: cost });
    while ((windows[0] as Window).startUs + limit.windowUs <= nowUs) windows.shift();
    return { windows };
  },

  giveBack(
    { windows }: FixedWindowState,
    _nowUs: number,
    units: number,
    mark: Mark,
    limit: FixedWindowLimit,
  ): FixedWindowState {
    const window = windows[findWindow(windows, mark.nowUs + mark.level[1] - limit.windowUs)];
    if (window !== undefined) subtract(window, units);
    trim(windows);
    return { windows };
  },

  refund({ windows }: FixedWindowState, nowUs: number, units: number): FixedWindowState {
    const window = windows[openedWindow(windows, nowUs)];
    if (window !== undefined) subtract(window, units);
    trim(windows);
    return { windows };
  },

  runs({ windows }: FixedWindowState, nowUs: number, { windowUs }: FixedWindowLimit): readonly Run[] {
    return windows.filter(({ count }) => count > 0).map(({ startUs, count }) => {
      return { atUs: Math.max(startUs, Math.min(nowUs, startUs + windowUs - 1)), units: count };
    });
  },

  measure({ windows }: FixedWindowState, nowUs: number, limit: FixedWindowLimit): Level {
    const last = windows.at(-1);
    const resetUs = last === undefined ? 0 : last.startUs + limit.windowUs - nowUs;
    if (last === undefined || resetUs <= 0) return [0, 0];
    return [last.startUs > nowUs ? limit.capacity : last.count, resetUs];
  },

  freshFromUs({ windows }: FixedWindowState, limit: FixedWindowLimit): number {
    const last = windows.at(-1);
    return last === undefined ? 0 : last.startUs + limit.windowUs;
  },
});
