/**
 * Aligned window: a count for each window, which begins at a multiple of its length.
 *
 * @module
 */

import type { Kernel, Level, Mark, Run } from "../../../src/algorithms/kernel.ts";
import type { AlignedWindowLimit } from "../../../src/algorithms/limit.ts";

/** The latest window in which something was taken. */
export interface AlignedWindowState {
  /** When it opened or will open. */
  readonly startUs: number;
  /** Units taken in it. */
  readonly count: number;
}

const FRESH: AlignedWindowState = Object.freeze({ startUs: 0, count: 0 });

/** The arithmetic of an aligned window. */
export const alignedWindow: Kernel<AlignedWindowLimit, AlignedWindowState> = Object.freeze({
  fresh: (): AlignedWindowState => FRESH,

  // Windows are given by the clock: after a step back, one that lies ahead is waited for, as if it had been promised.
  settle: (state: AlignedWindowState): AlignedWindowState => state,

  earliest(state: AlignedWindowState, nowUs: number, cost: number, limit: AlignedWindowLimit): number {
    const openUs = Math.max(startOf(nowUs, limit), state.startUs);
    const fits = openUs > state.startUs || state.count + cost <= limit.capacity;
    return Math.max(nowUs, fits ? openUs : openUs + limit.windowUs);
  },

  take(
    state: AlignedWindowState,
    _nowUs: number,
    atUs: number,
    cost: number,
    limit: AlignedWindowLimit,
  ): AlignedWindowState {
    const startUs = startOf(atUs, limit);
    return { startUs, count: startUs === state.startUs ? state.count + cost : cost };
  },

  giveBack(
    state: AlignedWindowState,
    _nowUs: number,
    units: number,
    mark: Mark,
    limit: AlignedWindowLimit,
  ): AlignedWindowState {
    return startOf(mark.atUs, limit) === state.startUs ? less(state, units) : state;
  },

  refund(state: AlignedWindowState, nowUs: number, units: number, limit: AlignedWindowLimit): AlignedWindowState {
    return startOf(nowUs, limit) === state.startUs ? less(state, units) : state;
  },

  runs({ startUs, count }: AlignedWindowState, nowUs: number, { windowUs }: AlignedWindowLimit): readonly Run[] {
    return count === 0 ? [] : [{ atUs: Math.max(startUs, Math.min(nowUs, startUs + windowUs - 1)), units: count }];
  },

  measure({ startUs, count }: AlignedWindowState, nowUs: number, { capacity, windowUs }: AlignedWindowLimit): Level {
    const resetUs = startUs + windowUs - nowUs;
    if (count === 0 || resetUs <= 0) return [0, 0];
    return [startUs > nowUs ? capacity : count, resetUs];
  },

  freshFromUs({ startUs, count }: AlignedWindowState, { windowUs }: AlignedWindowLimit): number {
    return count === 0 ? 0 : startUs + windowUs;
  },
});

function startOf(atUs: number, { windowUs }: AlignedWindowLimit): number {
  return Math.floor(atUs / windowUs) * windowUs;
}

function less({ startUs, count }: AlignedWindowState, units: number): AlignedWindowState {
  return { startUs, count: Math.max(count - units, 0) };
}
