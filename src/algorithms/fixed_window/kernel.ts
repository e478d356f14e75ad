/**
 * Fixed window: a count that starts over. A window opens with the first unit after the last one has ended, or, for
 * units that wait, right behind it.
 *
 * @module
 */

import type { Kernel, Level, Mark, Run } from "../kernel.ts";
import type { FixedWindowLimit } from "../limit.ts";
import type { Reach } from "../reach.ts";
import { findWindow, openedWindow, reachOfFirst, settleWindows, subtract, trim, type Window } from "../windows.ts";

/** The present window, and those behind it that are promised to callers who wait. */
export interface FixedWindowState {
  /** Oldest first; empty where nothing is taken. They do not overlap. */
  readonly windows: Window[];
  /** How far ahead the first window was promised to start, where it had not opened. */
  readonly reach?: Reach | undefined;
}

const FRESH: FixedWindowState = Object.freeze({ windows: Object.freeze([] as Window[]) as Window[] });

/** The arithmetic of a fixed window. */
export const fixedWindow: Kernel<FixedWindowLimit, FixedWindowState> = Object.freeze({
  fresh: (): FixedWindowState => FRESH,

  settle(state: FixedWindowState, nowUs: number, { windowUs }: FixedWindowLimit): FixedWindowState {
    const windows = settleWindows(state.windows, nowUs, windowUs, state.reach);
    return windows === state.windows ? state : newState(windows, nowUs, windowUs, state.reach);
  },

  // In order of arrival: a new call takes from the last promised window, or from one behind it.
  earliest({ windows }: FixedWindowState, nowUs: number, cost: number, limit: FixedWindowLimit): number {
    const last = windows.at(-1);
    if (last === undefined) return nowUs;
    return Math.max(nowUs, last.count + cost <= limit.capacity ? last.startUs : last.startUs + limit.windowUs);
  },

  take(
    { windows, reach }: FixedWindowState,
    nowUs: number,
    atUs: number,
    cost: number,
    limit: FixedWindowLimit,
  ): FixedWindowState {
    const last = windows.at(-1);
    if (last === undefined) return newState([{ startUs: atUs, count: cost }], nowUs, limit.windowUs, undefined);
    if (atUs < last.startUs + limit.windowUs) last.count += cost;
    else windows.push({ startUs: atUs, count: cost });
    while ((windows[0] as Window).startUs + limit.windowUs <= nowUs) windows.shift();
    return newState(windows, nowUs, limit.windowUs, reach);
  },

  giveBack(
    { windows, reach }: FixedWindowState,
    nowUs: number,
    units: number,
    mark: Mark,
    limit: FixedWindowLimit,
  ): FixedWindowState {
    const window = windows[findWindow(windows, mark.nowUs + mark.level[1] - limit.windowUs)];
    if (window !== undefined) subtract(window, units);
    trim(windows);
    return newState(windows, nowUs, limit.windowUs, reach);
  },

  refund(
    { windows, reach }: FixedWindowState,
    nowUs: number,
    units: number,
    limit: FixedWindowLimit,
  ): FixedWindowState {
    const window = windows[openedWindow(windows, nowUs)];
    if (window !== undefined) subtract(window, units);
    trim(windows);
    return newState(windows, nowUs, limit.windowUs, reach);
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

function newState(windows: Window[], nowUs: number, windowUs: number, before: Reach | undefined): FixedWindowState {
  const reach = reachOfFirst(windows, nowUs, windowUs, before);
  return reach === undefined ? { windows } : { windows, reach };
}
