/**
 * That no call is allowed later than what was kept permits: give-backs that are lost show here.
 *
 * @module
 */

import type {
  FixedWindowLimit,
  RateLimit,
  SlidingWindowCounterLimit,
  SlidingWindowLimit,
} from "../../../src/algorithms/limit.ts";
import { type Debt, latestByDebt } from "./debt.ts";
import { estimateAt, type Kept, startOf, unitsIn } from "./kept.ts";

/** What stands in a key. */
export interface Standing {
  /** The store's clock. */
  readonly nowUs: number;
  /** What is kept. */
  readonly kept: readonly Kept[];
  /** For each token bucket, what the documented rule says about its debt; undefined for other algorithms. */
  readonly debts: readonly (Debt | undefined)[];
}

/**
 * The instant by which limit `i` must allow a cost. Of windows nothing is asked while an instant is promised: what is
 * given back may then lapse. Of a token bucket it is asked in any case: the documentation states how much of it lapses.
 */
export function latestOf(limit: RateLimit, standing: Standing, i: number, cost: number): number {
  if (limit.algorithm === "token_bucket") {
    return latestByDebt(standing.debts[i] as Debt, limit, standing.nowUs, cost);
  }
  if (standing.kept.some(({ atUs }) => atUs > standing.nowUs)) return Infinity;
  switch (limit.algorithm) {
    case "sliding_window":
      return latestOfSliding(limit, standing, cost);
    case "sliding_window_counter":
      return latestOfCounter(limit, standing, i, cost);
    case "fixed_window":
      return latestOfFixed(limit, standing, i, cost);
  }
}

function latestOfSliding({ windowUs, capacity }: SlidingWindowLimit, { nowUs, kept }: Standing, cost: number): number {
  let latestUs = Infinity;
  const tryAt = (atUs: number) => {
    if (atUs < nowUs || atUs >= latestUs) return;
    if (unitsIn(kept, atUs - windowUs + 1, atUs) + cost <= capacity) latestUs = atUs;
  };
  tryAt(nowUs);
  for (const { atUs } of kept) tryAt(atUs + windowUs);
  return latestUs;
}

function latestOfFixed(limit: FixedWindowLimit, { nowUs, kept }: Standing, i: number, cost: number): number {
  let sum = 0;
  let endUs = nowUs;
  for (const each of kept) {
    const startUs = startOf(limit, each, i);
    if (nowUs >= startUs + limit.windowUs) continue;
    sum += each.units;
    endUs = startUs + limit.windowUs;
  }
  return sum + cost <= limit.capacity ? nowUs : endUs;
}

/** In each of the two windows that still count, the estimate only fades: the first step at which it leaves room. */
function latestOfCounter(limit: SlidingWindowCounterLimit, { nowUs, kept }: Standing, i: number, cost: number): number {
  const { windowUs, stepUs, capacity } = limit;
  const steps = windowUs / stepUs;
  let lastUs = -Infinity;
  for (const each of kept) lastUs = Math.max(lastUs, startOf(limit, each, i));
  for (const startUs of [lastUs, lastUs + windowUs]) {
    if (startUs + windowUs <= nowUs) continue;
    const fits = (step: number) => {
      const atUs = Math.max(startUs + step * stepUs, nowUs);
      return estimateAt(limit, kept, i, startUs, atUs) + cost * steps <= capacity * steps;
    };
    let low = Math.max(Math.floor((nowUs - startUs) / stepUs), 0);
    if (!fits(steps - 1)) continue;
    let high = steps - 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (fits(middle)) high = middle;
      else low = middle + 1;
    }
    return Math.max(startUs + low * stepUs, nowUs);
  }
  return Math.max(lastUs + 2 * windowUs, nowUs);
}
