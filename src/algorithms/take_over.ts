/**
 * What becomes of the states of a key when its rules change: units that were counted stay counted.
 *
 * Every state can be read as units with instants, and made from them. So whatever the old rules and the new ones are,
 * the new ones admit what they would have admitted if they had seen those units.
 *
 * @module
 */

import type { Run } from "./kernel.ts";
import { handoverOf, kernelOf, type RateState } from "./kernels.ts";
import type { RateLimit } from "./limit.ts";

/**
 * What happens to counted units when rules change.
 *
 * - `keep`: They count on.
 * - `scale`: The same share of the limit stays used.
 * - `reset`: They are forgotten.
 */
export type OnChange = "keep" | "scale" | "reset";

/** Limits with their states. */
export interface Counted {
  /** The limits. */
  readonly rates: readonly RateLimit[];
  /** A state for each. */
  readonly states: readonly RateState[];
}

/**
 * The states under other limits.
 *
 * @param before What was counted. Its states may be reused.
 * @param rates The new limits.
 * @param onChange What becomes of counted units.
 * @param nowUs When the rules changed.
 */
export function takeOver(
  before: Counted,
  rates: readonly RateLimit[],
  onChange: OnChange,
  nowUs: number,
): RateState[] {
  const reused = new Set<number>();
  // What cannot be told from fresh may have been forgotten, or not: it makes no difference.
  const isFresh = before.rates.every((rate, i) => {
    return kernelOf(rate).freshFromUs(before.states[i] as RateState, rate) <= nowUs;
  });
  return rates.map((limit) => {
    const { fromRuns, adapt } = handoverOf(limit);
    const place = onChange === "reset" || isFresh ? -1 : sourceOf(before.rates, limit);
    if (place < 0) return kernelOf(limit).fresh();
    const old = before.rates[place] as RateLimit;
    const state = before.states[place] as RateState;
    const isSame = sameLimit(old, limit);
    const runs = isSame && !reused.has(place) ? [] : kernelOf(old).runs(state, nowUs, old);
    if (!reused.has(place) && (isSame || (onChange === "keep" && countsAlike(old, limit)))) {
      reused.add(place);
      return isSame || adapt === undefined ? state : adapt(state, runs, nowUs, limit);
    }
    return fromRuns(onChange === "scale" ? scaled(runs, old, limit) : runs, nowUs, limit);
  });
}

/** Whether two limits are the same rule. */
export function sameLimit(a: RateLimit, b: RateLimit): boolean {
  const other: Readonly<Record<string, unknown>> = { ...b };
  return Object.entries(a).every(([name, value]) => value === other[name]);
}

/** Whether two lists of limits are the same rules. */
export function sameLimits(a: readonly RateLimit[], b: readonly RateLimit[]): boolean {
  return a.length === b.length && a.every((limit, i) => sameLimit(limit, b[i] as RateLimit));
}

/** Whether states of both rules are the same, whatever is taken by either: they differ in how many units they allow. */
export function isSameCount(a: readonly RateLimit[], b: readonly RateLimit[]): boolean {
  return a.length === b.length && a.every((one, i) => {
    const other = b[i] as RateLimit;
    return sameLimit(one, other) || (countsAlike(one, other) && handoverOf(one).adapt === undefined);
  });
}

function scaled(runs: readonly Run[], old: RateLimit, limit: RateLimit): Run[] {
  return runs.map(({ atUs, units }) => ({ atUs, units: Math.ceil(units * limit.capacity / old.capacity) }));
}

/**
 * Which of the old limits knows best what a new one must count: the shortest that remembers as long, else the longest.
 */
function sourceOf(olds: readonly RateLimit[], limit: RateLimit): number {
  const same = olds.findIndex((old) => sameLimit(old, limit));
  if (same >= 0) return same;
  let best = -1;
  for (const [i, old] of olds.entries()) {
    if (best < 0 || isBetter(old, olds[best] as RateLimit, limit)) best = i;
  }
  return best;
}

function isBetter(one: RateLimit, other: RateLimit, limit: RateLimit): boolean {
  const [least, a, b] = [spanUs(limit), spanUs(one), spanUs(other)];
  if (a === b) return one.algorithm === limit.algorithm && other.algorithm !== limit.algorithm;
  return a >= least && b >= least ? a < b : a > b;
}

/** How long a limit remembers. */
function spanUs(limit: RateLimit): number {
  return handoverOf(limit).spanUs(limit);
}

/** Whether the states of two limits mean the same units. */
function countsAlike(one: RateLimit, other: RateLimit): boolean {
  return one.algorithm === other.algorithm && handoverOf(one).countsAlike(one, other);
}
