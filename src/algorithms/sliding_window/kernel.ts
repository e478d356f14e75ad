/**
 * Exact sliding window: a log of runs, an instant and how many units were taken for it. What is promised to callers who
 * wait stands in the same log, behind what is in the window now. A run is dropped when it has left the window, not before.
 *
 * The run that decides is found by its units, so the work depends neither on the cost nor, but for its logarithm and the
 * root of the number of runs, on the limit.
 *
 * @module
 */

import type { Kernel, Level, Mark, Run } from "../kernel.ts";
import type { SlidingWindowLimit } from "../limit.ts";
import { latestPromise, type Reach, reachOf } from "../reach.ts";
import { append, copyBefore, dropBefore, findLater, findUnits, newestUs, type Page, takeOut } from "./run_log.ts";

/** A log of runs. */
export interface SlidingWindowState {
  /** The runs, oldest first. The last one is not empty. */
  readonly pages: Page[];
  /** Units of all runs. */
  readonly total: number;
  /** The latest instant that was promised to a caller who waits: no call takes before it. */
  readonly promisedUs: number;
  /** How far ahead that instant was; undefined where it had passed. */
  readonly reach?: Reach | undefined;
}

const FRESH: SlidingWindowState = Object.freeze({
  pages: Object.freeze([] as Page[]) as Page[],
  total: 0,
  promisedUs: 0,
});

/** The arithmetic of an exact sliding window. */
export const slidingWindow: Kernel<SlidingWindowLimit, SlidingWindowState> = Object.freeze({
  fresh: (): SlidingWindowState => FRESH,

  settle(state: SlidingWindowState, nowUs: number, limit: SlidingWindowLimit): SlidingWindowState {
    const { pages, promisedUs, reach } = state;
    if (newestUs(pages) <= nowUs) return state;
    const latestUs = Math.max(nowUs, Math.min(promisedUs, latestPromise(nowUs, reach, limit.windowUs)));
    if (newestUs(pages) <= latestUs) return state;
    // What was taken later than that by the clock before was taken by now. Together it is no more than a full window.
    const later = findLater(pages, latestUs);
    const log = copyBefore(pages, later);
    const units = Math.min(state.total - later.before, limit.capacity);
    append(log, latestUs, units, limit.capacity);
    return newState(log, later.before + units, latestUs, nowUs, state, limit);
  },

  earliest({ pages, total, promisedUs }: SlidingWindowState, nowUs: number, cost: number, limit: SlidingWindowLimit) {
    const atUs = Math.max(nowUs, promisedUs);
    const excess = total + cost - limit.capacity;
    if (excess <= 0) return atUs;
    const { page, run } = findUnits(pages, excess);
    return Math.max(atUs, (pages[page] as Page).stampsUs[run] as number + limit.windowUs);
  },

  take(
    state: SlidingWindowState,
    nowUs: number,
    atUs: number,
    cost: number,
    limit: SlidingWindowLimit,
  ): SlidingWindowState {
    const { pages, total, promisedUs } = state;
    const log = pages.length === 0 ? [] : pages;
    // Runs stay sorted even where the clock stepped back: a unit is then remembered longer, never shorter.
    const stampUs = Math.max(atUs, newestUs(log));
    const live = findLater(log, nowUs - limit.windowUs);
    dropBefore(log, live);
    append(log, stampUs, cost, limit.capacity);
    return newState(log, total - live.before + cost, atUs > nowUs ? stampUs : promisedUs, nowUs, state, limit);
  },

  giveBack(
    state: SlidingWindowState,
    nowUs: number,
    units: number,
    mark: Mark,
    limit: SlidingWindowLimit,
  ): SlidingWindowState {
    const { pages, total, promisedUs } = state;
    const given = takeOut(pages, mark.nowUs + mark.level[1] - limit.windowUs, units);
    if (given === 0) return state;
    return newState(pages, total - given, Math.min(promisedUs, newestUs(pages)), nowUs, state, limit);
  },

  // The oldest units in the window are forgiven first: whichever were meant, the others keep to the limit.
  refund(
    state: SlidingWindowState,
    nowUs: number,
    units: number,
    limit: SlidingWindowLimit,
  ): SlidingWindowState {
    const { pages, total, promisedUs } = state;
    const { before: left } = findLater(pages, nowUs - limit.windowUs);
    const forgiven = Math.min(left + units, findLater(pages, nowUs).before);
    if (forgiven === 0) return state;
    const place = findUnits(pages, forgiven);
    dropBefore(pages, place);
    const first = pages[0] as Page;
    takeOut(pages, first.stampsUs[first.from] as number, forgiven - place.before);
    return newState(pages, total - forgiven, Math.min(promisedUs, newestUs(pages)), nowUs, state, limit);
  },

  runs(state: SlidingWindowState, nowUs: number, { windowUs }: SlidingWindowLimit): readonly Run[] {
    return runsOf(state).filter(({ stampUs }) => stampUs + windowUs > nowUs)
      .map(({ stampUs, units }) => ({ atUs: stampUs, units }));
  },

  measure({ pages, total, promisedUs }: SlidingWindowState, nowUs: number, limit: SlidingWindowLimit): Level {
    const used = total - findLater(pages, nowUs - limit.windowUs).before;
    if (used === 0) return [0, 0];
    return [promisedUs > nowUs ? limit.capacity : used, newestUs(pages) + limit.windowUs - nowUs];
  },

  freshFromUs: ({ pages }: SlidingWindowState, limit: SlidingWindowLimit): number =>
    pages.length === 0 ? 0 : newestUs(pages) + limit.windowUs,
});

/** A state that remembers a promised instant as long as it lies ahead. */
function newState(
  pages: Page[],
  total: number,
  promisedUs: number,
  nowUs: number,
  before: SlidingWindowState,
  { windowUs }: SlidingWindowLimit,
): SlidingWindowState {
  if (promisedUs <= nowUs) return { pages, total, promisedUs: 0 };
  const reach = before.promisedUs > nowUs ? before.reach : undefined;
  return { pages, total, promisedUs, reach: reachOf(promisedUs - nowUs, windowUs, reach) };
}

/** The runs of a log, oldest first. */
export function runsOf({ pages }: SlidingWindowState): { readonly stampUs: number; readonly units: number }[] {
  return pages.flatMap(({ stampsUs, units, from, to }) =>
    Array.from({ length: to - from }, (_, i) => ({
      stampUs: stampsUs[from + i] as number,
      units: units[from + i] as number,
    })).filter((run) => run.units > 0)
  );
}
