/**
 * Sliding window counter: the count of the present window, and that of the one before it, which fades out linearly.
 *
 * The estimate never passes the capacity. In a real window of the same length there are always fewer than twice the
 * capacity: the worst case puts a full window's units at its very end and lets the next one fill as they fade.
 *
 * @module
 */

import type { Kernel, Level, Mark } from "./kernel.ts";
import type { SlidingWindowCounterLimit } from "./limit.ts";

/** Two windows, side by side. */
export interface SlidingWindowCounterState {
  /** When the present window opened. */
  readonly startUs: number;
  /** Units taken in the window before it. */
  readonly previous: number;
  /** Units taken in the present window. */
  readonly current: number;
}

const FRESH: SlidingWindowCounterState = Object.freeze({ startUs: 0, previous: 0, current: 0 });

/** The arithmetic of a sliding window counter. */
export const slidingWindowCounter: Kernel<SlidingWindowCounterLimit, SlidingWindowCounterState> = Object.freeze({
  fresh: (): SlidingWindowCounterState => FRESH,

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
    _nowUs: number,
    atUs: number,
    cost: number,
    limit: SlidingWindowCounterLimit,
  ): SlidingWindowCounterState {
    const { startUs, previous, current } = roll(state, atUs, limit);
    return { startUs, previous, current: current + cost };
  },

  giveBack(
    state: SlidingWindowCounterState,
    _nowUs: number,
    units: number,
    mark: Mark,
    limit: SlidingWindowCounterLimit,
  ): SlidingWindowCounterState {
    const { startUs, previous, current } = state;
    const markStartUs = mark.nowUs + mark.level[1] - 2 * limit.windowUs;
    if (markStartUs === startUs) return { startUs, previous, current: Math.max(current - units, 0) };
    if (markStartUs + limit.windowUs === startUs) {
      return { startUs, previous: Math.max(previous - units, 0), current };
    }
    return state;
  },

  refund(state: SlidingWindowCounterState, _nowUs: number, units: number): SlidingWindowCounterState {
    const { startUs, previous, current } = state;
    const fromCurrent = Math.min(units, current);
    return { startUs, previous: Math.max(previous - (units - fromCurrent), 0), current: current - fromCurrent };
  },

  measure(state: SlidingWindowCounterState, nowUs: number, limit: SlidingWindowCounterLimit): Level {
    const freshFromUs = state.startUs + 2 * limit.windowUs;
    if (freshFromUs <= nowUs) return [0, 0];
    if (state.startUs > nowUs) return [limit.capacity, freshFromUs - nowUs];
    const { startUs, previous, current } = roll(state, nowUs, limit);
    const steps = limit.windowUs / limit.stepUs;
    const left = steps - Math.floor((nowUs - startUs) / limit.stepUs);
    return [Math.ceil(previous * left / steps) + current, freshFromUs - nowUs];
  },

  freshFromUs: (state: SlidingWindowCounterState, limit: SlidingWindowCounterLimit): number =>
    state.startUs + 2 * limit.windowUs,
});

/** The windows as they stand at an instant: unchanged, moved on by one, or opened anew. */
function roll(
  state: SlidingWindowCounterState,
  atUs: number,
  limit: SlidingWindowCounterLimit,
): SlidingWindowCounterState {
  const { startUs, current } = state;
  if (atUs < startUs + limit.windowUs) return state;
  if (atUs < startUs + 2 * limit.windowUs) return { startUs: startUs + limit.windowUs, previous: current, current: 0 };
  return { startUs: atUs, previous: 0, current: 0 };
}

/** How far into a window `units` of the one before have faded to `room`; past its end if they never do. */
function fades(units: number, room: number, limit: SlidingWindowCounterLimit): number {
  if (room < 0) return limit.windowUs + 1;
  if (units <= room) return 0;
  const steps = limit.windowUs / limit.stepUs;
  return (steps - Math.floor(room * steps / units)) * limit.stepUs;
}
