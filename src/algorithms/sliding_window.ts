/**
 * Exact sliding window: the instants of the newest units, in a ring of at most `capacity` entries. The entry that
 * decides is found by its place, so a decision does not depend on the ring's size.
 *
 * @module
 */

import type { Kernel, Level, Mark } from "./kernel.ts";
import type { SlidingWindowLimit } from "./limit.ts";

/** A ring of instants, oldest first. */
export interface SlidingWindowState {
  /** The storage; its length is how many entries fit before it grows. */
  readonly slots: Float64Array;
  /** Where the oldest entry is. */
  readonly head: number;
  /** How many entries there are. */
  readonly count: number;
}

const FRESH: SlidingWindowState = Object.freeze({ slots: new Float64Array(0), head: 0, count: 0 });

/** The arithmetic of an exact sliding window. */
export const slidingWindow: Kernel<SlidingWindowLimit, SlidingWindowState> = Object.freeze({
  fresh: (): SlidingWindowState => FRESH,

  earliest(state: SlidingWindowState, nowUs: number, cost: number, limit: SlidingWindowLimit): number {
    const deciding = state.count + cost - limit.capacity - 1;
    return deciding < 0 ? nowUs : Math.max(nowUs, entry(state, deciding) + limit.windowUs);
  },

  take(
    state: SlidingWindowState,
    nowUs: number,
    atUs: number,
    cost: number,
    limit: SlidingWindowLimit,
  ): SlidingWindowState {
    // Entries stay sorted even where the clock stepped back: a unit is then remembered longer, never shorter.
    const stampUs = state.count === 0 ? atUs : Math.max(atUs, entry(state, state.count - 1));
    const drop = Math.max(expired(state, nowUs, limit), state.count + cost - limit.capacity);
    const kept = state.count - drop;
    const grown = kept + cost > state.slots.length ? grow(state, drop, kept + cost, limit) : undefined;
    const slots = grown ?? state.slots;
    const head = grown === undefined ? (state.head + drop) % slots.length : 0;
    for (let i = 0; i < cost; i++) slots[(head + kept + i) % slots.length] = stampUs;
    return { slots, head, count: kept + cost };
  },

  giveBack(
    state: SlidingWindowState,
    nowUs: number,
    units: number,
    mark: Mark,
    limit: SlidingWindowLimit,
  ): SlidingWindowState {
    const stampUs = mark.nowUs + mark.level[1] - limit.windowUs;
    const kept: number[] = [];
    let given = 0;
    for (const at of entries(state)) {
      if (at === stampUs && given < units) given++;
      else kept.push(at);
    }
    // A take for a later instant dropped entries that still count until then: they come back.
    const droppedUs = Math.min(mark.atUs - limit.windowUs, kept[0] ?? Infinity);
    const back = droppedUs > nowUs - limit.windowUs ? given : 0;
    return fromEntries([...Array<number>(back).fill(droppedUs), ...kept]);
  },

  refund(state: SlidingWindowState, nowUs: number, units: number): SlidingWindowState {
    const all = entries(state);
    const past = all.filter((at) => at <= nowUs);
    return fromEntries([...past.slice(0, Math.max(past.length - units, 0)), ...all.filter((at) => at > nowUs)]);
  },

  measure(state: SlidingWindowState, nowUs: number, limit: SlidingWindowLimit): Level {
    const used = state.count - expired(state, nowUs, limit);
    return used === 0 ? [0, 0] : [used, entry(state, state.count - 1) + limit.windowUs - nowUs];
  },

  freshFromUs: (state: SlidingWindowState, limit: SlidingWindowLimit): number =>
    state.count === 0 ? 0 : entry(state, state.count - 1) + limit.windowUs,
});

/** The instants that a ring holds, oldest first. */
export function entries(state: SlidingWindowState): number[] {
  return Array.from({ length: state.count }, (_, i) => entry(state, i));
}

function entry(state: SlidingWindowState, i: number): number {
  return state.slots[(state.head + i) % state.slots.length] as number;
}

/** How many entries, counted from the oldest, have left the window. */
function expired(state: SlidingWindowState, nowUs: number, limit: SlidingWindowLimit): number {
  let low = 0;
  let high = state.count;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (entry(state, middle) + limit.windowUs <= nowUs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A larger ring: a 64th and four more than needed, at most the capacity, at least what must fit now. */
function grow(state: SlidingWindowState, drop: number, needed: number, limit: SlidingWindowLimit): Float64Array {
  const room = Math.max(needed, Math.min(limit.capacity, needed + Math.floor(needed / 64) + 4));
  const slots = new Float64Array(room);
  for (let i = drop; i < state.count; i++) slots[i - drop] = entry(state, i);
  return slots;
}

function fromEntries(all: readonly number[]): SlidingWindowState {
  return { slots: Float64Array.from(all), head: 0, count: all.length };
}
