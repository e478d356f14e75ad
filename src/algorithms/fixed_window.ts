/**
 * Fixed window: a count that starts over. A window opens with the first unit after the last one has ended, or, for
 * units that wait, right behind it.
 *
 * @module
 */

import type { Kernel, Level, Mark } from "./kernel.ts";
import type { FixedWindowLimit } from "./limit.ts";

/** The last window that was used, or that is spoken for. */
export interface FixedWindowState {
  /** When it opened or will open. */
  readonly startUs: number;
  /** Units taken in it. */
  readonly count: number;
}

const FRESH: FixedWindowState = Object.freeze({ startUs: 0, count: 0 });

/** The arithmetic of a fixed window. */
export const fixedWindow: Kernel<FixedWindowLimit, FixedWindowState> = Object.freeze({
  fresh: (): FixedWindowState => FRESH,

  earliest(state: FixedWindowState, nowUs: number, cost: number, limit: FixedWindowLimit): number {
    const endUs = state.startUs + limit.windowUs;
    return state.count + cost <= limit.capacity ? Math.max(nowUs, state.startUs) : Math.max(nowUs, endUs);
  },

  take(
    state: FixedWindowState,
    _nowUs: number,
    atUs: number,
    cost: number,
    limit: FixedWindowLimit,
  ): FixedWindowState {
    const open = atUs < state.startUs + limit.windowUs;
    return open ? { startUs: state.startUs, count: state.count + cost } : { startUs: atUs, count: cost };
  },

  giveBack(
    state: FixedWindowState,
    nowUs: number,
    units: number,
    mark: Mark,
    limit: FixedWindowLimit,
  ): FixedWindowState {
    const sameWindow = state.startUs + limit.windowUs === mark.nowUs + mark.level[1];
    return sameWindow ? fixedWindow.refund(state, nowUs, units, limit) : state;
  },

  refund(state: FixedWindowState, _nowUs: number, units: number): FixedWindowState {
    return { startUs: state.startUs, count: Math.max(state.count - units, 0) };
  },

  measure(state: FixedWindowState, nowUs: number, limit: FixedWindowLimit): Level {
    const resetUs = state.startUs + limit.windowUs - nowUs;
    if (resetUs <= 0) return [0, 0];
    return [state.startUs > nowUs ? limit.capacity : state.count, resetUs];
  },

  freshFromUs: (state: FixedWindowState, limit: FixedWindowLimit): number => state.startUs + limit.windowUs,
});
