/**
 * What must hold in every world, by nothing but the instants of what was kept, and the windows they were counted in.
 *
 * @module
 */

import type {
  FixedWindowLimit,
  RateLimit,
  SlidingWindowCounterLimit,
  SlidingWindowLimit,
  TokenBucketLimit,
} from "../../../src/algorithms/limit.ts";
import { kernelOf, type RateState } from "../../../src/algorithms/kernels.ts";
import { type Debt, latestByDebt } from "./debt.ts";
import type { Kept, World } from "./world.ts";

/** What is wrong with a world: more was admitted than law 1 allows. Undefined if nothing is. */
export function tooMuch(limits: readonly RateLimit[], { kept }: World): string | undefined {
  for (const [i, limit] of limits.entries()) {
    const problem = tooMuchOf(limit, kept, i);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/**
 * What is wrong with a world: a caller would be let in later than what was kept allows. Nothing is asked of windows while
 * an instant is promised: what is given back may then lapse. Of a token bucket it is asked in any case, because the
 * documentation states how much of it lapses.
 */
export function tooLate(limits: readonly RateLimit[], world: World, costs: readonly number[]): string | undefined {
  const { nowUs, kept } = world;
  const isPromised = kept.some(({ atUs }) => atUs > nowUs);
  for (const [i, limit] of limits.entries()) {
    if (isPromised && limit.algorithm !== "token_bucket") continue;
    for (const cost of costs) {
      const actual = kernelOf(limit).earliest(world.states[i] as RateState, nowUs, cost, limit);
      const latest = latestOf(limit, world, i, cost);
      if (actual > latest) {
        return `a cost of ${cost} is let in by ${limit.algorithm} after ${actual - nowUs} µs, not ${latest - nowUs}`;
      }
    }
  }
  return undefined;
}

function tooMuchOf(limit: RateLimit, kept: readonly Kept[], i: number): string | undefined {
  switch (limit.algorithm) {
    case "token_bucket":
      return aboveBucket(limit, kept);
    case "sliding_window":
      return aboveInWindow(limit, kept, limit.capacity);
    case "sliding_window_counter":
      return apart(limit, startsOf(limit, kept, i)) ?? aboveEstimate(limit, kept, i) ??
        aboveInWindow(limit, kept, 2 * limit.capacity - 1);
    case "fixed_window":
      return apart(limit, startsOf(limit, kept, i)) ?? aboveFixed(limit, kept, i) ??
        aboveInWindow(limit, kept, 2 * limit.capacity);
  }
}

function latestOf(limit: RateLimit, world: World, i: number, cost: number): number {
  switch (limit.algorithm) {
    case "token_bucket":
      return latestByDebt(world.debts[i] as Debt, limit, world.nowUs, cost);
    case "sliding_window":
      return latestOfSliding(limit, world, cost);
    case "sliding_window_counter":
      return latestOfCounter(limit, world, i, cost);
    case "fixed_window":
      return latestOfFixed(limit, world, i, cost);
  }
}

/** Between any two takes, both counted: no more than the capacity, and what is refilled meanwhile. */
function aboveBucket(limit: TokenBucketLimit, kept: readonly Kept[]): string | undefined {
  const unit = limit.intervalUs * limit.denominator + limit.intervalRem;
  // Where a unit takes whole microseconds, arrivals are at the microsecond; else within the one that ends there.
  const within = limit.denominator === 1 ? 0 : 1;
  for (const first of kept) {
    for (const last of kept) {
      if (last.atUs < first.atUs) continue;
      const sum = unitsIn(kept, first.atUs, last.atUs);
      const ticks = (last.atUs - first.atUs + within) * limit.denominator;
      const refilled = within === 0 ? Math.floor(ticks / unit) : Math.ceil(ticks / unit) - 1;
      const most = limit.capacity + refilled;
      if (sum > most) return `${sum} units in ${last.atUs - first.atUs} µs, where ${most} are the most`;
    }
  }
  return undefined;
}

/** In every half-open window: no more than `most`. */
function aboveInWindow({ windowUs }: { readonly windowUs: number }, kept: readonly Kept[], most: number) {
  for (const { atUs } of kept) {
    const sum = unitsIn(kept, atUs - windowUs + 1, atUs);
    if (sum > most) return `${sum} units in a window of ${windowUs} µs, where ${most} are the most`;
  }
  return undefined;
}

/** In each window, as it was opened: no more than the capacity. */
function aboveFixed(limit: FixedWindowLimit, kept: readonly Kept[], i: number): string | undefined {
  for (const one of kept) {
    const startUs = startOf(limit, one, i);
    if (one.atUs < startUs || one.atUs >= startUs + limit.windowUs) return "a unit that is not in its window";
    const sum = kept.reduce((units, each) => units + (startOf(limit, each, i) === startUs ? each.units : 0), 0);
    if (sum > limit.capacity) return `${sum} units in a fixed window of ${limit.capacity}`;
  }
  return undefined;
}

/** At each unit: what is in its window so far, and what has not faded of the one before, are at most the capacity. */
function aboveEstimate(limit: SlidingWindowCounterLimit, kept: readonly Kept[], i: number): string | undefined {
  for (const one of kept) {
    const startUs = startOf(limit, one, i);
    if (one.atUs < startUs || one.atUs >= startUs + limit.windowUs) return "a unit that is not in its window";
    const estimate = estimateAt(limit, kept.filter(({ atUs }) => atUs <= one.atUs), i, startUs, one.atUs);
    if (estimate > limit.capacity * limit.windowUs) {
      return `an estimate of ${estimate / limit.windowUs} where ${limit.capacity} is the most`;
    }
  }
  return undefined;
}

/** Windows that hold units do not overlap. */
function apart({ windowUs }: { readonly windowUs: number }, starts: readonly number[]): string | undefined {
  for (const a of starts) {
    for (const b of starts) if (a < b && b < a + windowUs) return `windows that overlap, ${b - a} µs apart`;
  }
  return undefined;
}

function latestOfSliding({ windowUs, capacity }: SlidingWindowLimit, { nowUs, kept }: World, cost: number): number {
  const instants = [nowUs, ...kept.map(({ atUs }) => atUs + windowUs).filter((atUs) => atUs > nowUs)];
  const fits = instants.filter((atUs) => unitsIn(kept, atUs - windowUs + 1, atUs) + cost <= capacity);
  return Math.min(...fits);
}

function latestOfFixed(limit: FixedWindowLimit, { nowUs, kept }: World, i: number, cost: number): number {
  const open = kept.filter((each) => nowUs < startOf(limit, each, i) + limit.windowUs);
  const sum = open.reduce((units, each) => units + each.units, 0);
  const [first] = open;
  return first === undefined || sum + cost <= limit.capacity ? nowUs : startOf(limit, first, i) + limit.windowUs;
}

function latestOfCounter(limit: SlidingWindowCounterLimit, { nowUs, kept }: World, i: number, cost: number): number {
  const lastUs = Math.max(...startsOf(limit, kept, i), 0);
  for (let atUs = nowUs;; atUs++) {
    const windows = Math.floor((atUs - lastUs) / limit.windowUs);
    if (windows > 1) return atUs;
    const startUs = lastUs + windows * limit.windowUs;
    const estimate = estimateAt(limit, kept, i, startUs, atUs);
    if (estimate + cost * limit.windowUs <= limit.capacity * limit.windowUs) return atUs;
  }
}

/** The estimate at an instant of a window, times the window's length. */
function estimateAt(
  limit: SlidingWindowCounterLimit,
  kept: readonly Kept[],
  i: number,
  startUs: number,
  atUs: number,
): number {
  const { windowUs, stepUs } = limit;
  const faded = Math.floor((atUs - startUs) / stepUs) * stepUs;
  return kept.reduce((sum, each) => {
    const window = startOf(limit, each, i);
    if (window === startUs) return sum + each.units * windowUs;
    return window === startUs - windowUs ? sum + each.units * (windowUs - faded) : sum;
  }, 0);
}

/** When the window opened in which a take was counted: from then on it tells how long the limit is in use. */
function startOf(limit: FixedWindowLimit | SlidingWindowCounterLimit, { marks }: Kept, i: number): number {
  const { nowUs, level } = marks[i] as Kept["marks"][number];
  return nowUs + level[1] - limit.windowUs * (limit.algorithm === "fixed_window" ? 1 : 2);
}

function startsOf(limit: FixedWindowLimit | SlidingWindowCounterLimit, kept: readonly Kept[], i: number): number[] {
  return kept.map((each) => startOf(limit, each, i));
}

function unitsIn(kept: readonly Kept[], fromUs: number, toUs: number): number {
  let sum = 0;
  for (const { atUs, units } of kept) if (atUs >= fromUs && atUs <= toUs) sum += units;
  return sum;
}
