/**
 * Sliding window counter: the count of the present window, and that of the one before it, which fades out linearly.
 *
 * The estimate never passes the capacity. In a real window of the same length there are always fewer than twice the
 * capacity: the worst case puts a full window's units at its very end and lets the next one fill as they fade.
 *
 * @module
 */

import type { Kernel, Level, Mark, Run } from "../kernel.ts";
import type { SlidingWindowCounterLimit } from "../limit.ts";
import type { Reach } from "../reach.ts";
import { findWindow, openedWindow, reachOfFirst, settleWindows, subtract, trim, type Window } from "../windows.ts";

/** The window before the present one, the present one, and those behind it that are promised to callers who wait. */
export interface SlidingWindowCounterState {
  /** Units taken in the window right before the first of `windows`. */
  readonly previous: number;
  /** Oldest first; empty where nothing is taken. They do not overlap. */
  readonly windows: Window[];
  /** How far ahead the first window was promised to start, where it had not opened. */
  readonly reach?: Reach | undefined;
}

const FRESH: SlidingWindowCounterState = Object.freeze({
  previous: 0,
  windows: Object.freeze([] as Window[]) as Window[],
});

/** The arithmetic of a sliding window counter. */
export const slidingWindowCounter: Kernel<SlidingWindowCounterLimit, SlidingWindowCounterState> = Object.freeze({
  fresh: (): SlidingWindowCounterState => FRESH,

  settle(
    state: SlidingWindowCounterState,
    nowUs: number,
    { windowUs }: SlidingWindowCounterLimit,
  ): SlidingWindowCounterState {
    const windows = settleWindows(state.windows, nowUs, windowUs, state.reach);
    return windows === state.windows ? state : newState(state.previous, windows, nowUs, windowUs, state.reach);
  },

  earliest(
    state: SlidingWindowCounterState,
    nowUs: number,
    cost: number,
    limit: SlidingWindowCounterLimit,
  ): number {
    const { startUs, previous, current } = roll(state, nowUs, limit);
    const roomUs = fades(previous, limit.capacity - cost - current, limit);
    if (roomUs <= limit.windowUs) return Math.max(nowUs, startUs + roomUs);
    return Math.max(nowUs, startUs + limit.windowUs + fades(current, limit.capacity - cost, limit));
  },

  take(
    state: SlidingWindowCounterState,
    nowUs: number,
    atUs: number,
    cost: number,
    limit: SlidingWindowCounterLimit,
  ): SlidingWindowCounterState {
    const windows = state.windows.length === 0 ? [] : state.windows;
    const last = windows.at(-1);
    if (last !== undefined && atUs < last.startUs + limit.windowUs) last.count += cost;
    else windows.push({ startUs: roll(state, atUs, limit).startUs, count: cost });
    let { previous } = state;
    while (hasFaded(windows, nowUs, limit)) {
      previous = countBefore({ previous, windows }, 1, limit);
      windows.shift();
    }
    return newState(previous, windows, nowUs, limit.windowUs, state.reach);
  },

  giveBack(
    { previous, windows, reach }: SlidingWindowCounterState,
    nowUs: number,
    units: number,
    mark: Mark,
    limit: SlidingWindowCounterLimit,
  ): SlidingWindowCounterState {
    const startUs = mark.nowUs + mark.level[1] - 2 * limit.windowUs;
    const window = windows[findWindow(windows, startUs)];
    if (window !== undefined) subtract(window, units);
    const isBefore = window === undefined && windows[0]?.startUs === startUs + limit.windowUs;
    const left = trimmed(isBefore ? Math.max(previous - units, 0) : previous, windows, limit);
    return newState(left.previous, left.windows, nowUs, limit.windowUs, reach);
  },

  refund(
    { previous, windows, reach }: SlidingWindowCounterState,
    nowUs: number,
    units: number,
    limit: SlidingWindowCounterLimit,
  ): SlidingWindowCounterState {
    const place = openedWindow(windows, nowUs);
    if (place < 0) return newState(previous, windows, nowUs, limit.windowUs, reach);
    const left = units - subtract(windows[place] as Window, units);
    const before = windows[place - 1];
    if (before !== undefined) subtract(before, left);
    const kept = trimmed(before === undefined ? Math.max(previous - left, 0) : previous, windows, limit);
    return newState(kept.previous, kept.windows, nowUs, limit.windowUs, reach);
  },

  runs(
    { previous, windows }: SlidingWindowCounterState,
    nowUs: number,
    { windowUs }: SlidingWindowCounterLimit,
  ): readonly Run[] {
    const first = windows[0];
    const before = first === undefined ? [] : [{ atUs: Math.min(nowUs, first.startUs - 1), units: previous }];
    // Units that wait for a window may be taken for any instant in it.
    const others = windows.map(({ startUs, count }) => {
      const endUs = startUs + windowUs - 1;
      return { atUs: startUs > nowUs ? endUs : Math.min(nowUs, endUs), units: count };
    });
    return [...before, ...others].filter(({ units }) => units > 0);
  },

  measure(state: SlidingWindowCounterState, nowUs: number, limit: SlidingWindowCounterLimit): Level {
    const last = state.windows.at(-1);
    const resetUs = last === undefined ? 0 : last.startUs + 2 * limit.windowUs - nowUs;
    if (last === undefined || resetUs <= 0) return [0, 0];
    if (last.startUs > nowUs) return [limit.capacity, resetUs];
    const { startUs, previous, current } = roll(state, nowUs, limit);
    const steps = limit.windowUs / limit.stepUs;
    const left = steps - Math.floor((nowUs - startUs) / limit.stepUs);
    return [Math.ceil(previous * left / steps) + current, resetUs];
  },

  freshFromUs({ windows }: SlidingWindowCounterState, limit: SlidingWindowCounterLimit): number {
    const last = windows.at(-1);
    return last === undefined ? 0 : last.startUs + 2 * limit.windowUs;
  },
});

function newState(
  previous: number,
  windows: Window[],
  nowUs: number,
  windowUs: number,
  before: Reach | undefined,
): SlidingWindowCounterState {
  const reach = reachOfFirst(windows, nowUs, windowUs, before);
  return reach === undefined ? { previous, windows } : { previous, windows, reach };
}

/** Two windows, side by side. */
interface Pair {
  /** When the later one opened. */
  readonly startUs: number;
  /** Units taken in the earlier one. */
  readonly previous: number;
  /** Units taken in the later one. */
  readonly current: number;
}

/** The last two windows as they stand at an instant: unchanged, moved on by one, or opened anew. */
function roll(state: SlidingWindowCounterState, atUs: number, limit: SlidingWindowCounterLimit): Pair {
  const { windows } = state;
  const last = windows.at(-1);
  if (last === undefined) return { startUs: atUs, previous: 0, current: 0 };
  const { startUs, count } = last;
  if (atUs < startUs + limit.windowUs) {
    return { startUs, previous: countBefore(state, windows.length - 1, limit), current: count };
  }
  if (atUs < startUs + 2 * limit.windowUs) return { startUs: startUs + limit.windowUs, previous: count, current: 0 };
  return { startUs: atUs, previous: 0, current: 0 };
}

/** Units taken in the window right before the one at a place. */
function countBefore(
  { previous, windows }: SlidingWindowCounterState,
  place: number,
  limit: SlidingWindowCounterLimit,
): number {
  if (place === 0) return previous;
  const { startUs, count } = windows[place - 1] as Window;
  return startUs + limit.windowUs === windows[place]?.startUs ? count : 0;
}

/** Whether the first window has ended, and, unless the next one continues it as its `previous`, has faded out. */
function hasFaded(
  windows: readonly Window[],
  nowUs: number,
  { windowUs }: SlidingWindowCounterLimit,
): boolean {
  const { startUs } = windows[0] as Window;
  const isContinued = windows[1]?.startUs === startUs + windowUs;
  return startUs + (isContinued ? 1 : 2) * windowUs <= nowUs;
}

/** How far into a window `units` of the one before have faded to `room`; past its end if they never do. */
export function fades(units: number, room: number, limit: SlidingWindowCounterLimit): number {
  if (room < 0) return limit.windowUs + 1;
  if (units <= room) return 0;
  const steps = limit.windowUs / limit.stepUs;
  return (steps - Math.floor(room * steps / units)) * limit.stepUs;
}

/** Without windows at the end in which nothing is taken; what fades in the first of them stays. */
function trimmed(
  previous: number,
  windows: Window[],
  limit: SlidingWindowCounterLimit,
): SlidingWindowCounterState {
  const first = windows[0];
  trim(windows);
  if (windows.length > 0 || previous === 0 || first === undefined) return { previous, windows };
  return { previous: 0, windows: [{ startUs: first.startUs - limit.windowUs, count: previous }] };
}
