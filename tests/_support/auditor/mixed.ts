/**
 * Law 16: processes with different rules on one key together admit at most the larger of the bounds.
 *
 * @module
 */

import type { RateLimit } from "../../../src/algorithms/limit.ts";
import type { Kept } from "./kept.ts";

/**
 * More than the larger bound, in any interval.
 *
 * @param policies The rates of each policy.
 * @param kept What was taken and is kept.
 * @returns What is wrong; undefined if nothing is.
 */
export function aboveLarger(policies: readonly (readonly RateLimit[])[], kept: readonly Kept[]): string | undefined {
  const inOrder = kept.toSorted((a, b) => a.atUs - b.atUs);
  for (let first = 0; first < inOrder.length; first++) {
    let sum = 0;
    for (const { atUs, units } of inOrder.slice(first)) {
      sum += units;
      const us = atUs - (inOrder[first] as Kept).atUs;
      const most = Math.max(...policies.map((rates) => Math.min(...rates.map((rate) => boundIn(rate, us)))));
      if (sum > most) return `${sum} units in ${us} µs, where the larger of the bounds is ${most}`;
    }
  }
  return undefined;
}

/**
 * The most that a rule lets through from one instant to another, both counted. Windows say nothing about longer times: in
 * each of their lengths the units of other rules are counted, too.
 */
export function boundIn(limit: RateLimit, us: number): number {
  const { capacity } = limit;
  if (limit.algorithm === "token_bucket") {
    const perUnit = limit.intervalUs + limit.intervalRem / limit.denominator;
    return capacity + Math.floor((us + (limit.denominator === 1 ? 0 : 1)) / perUnit);
  }
  if (us >= limit.windowUs) return Infinity;
  if (limit.algorithm === "sliding_window") return capacity;
  return limit.algorithm === "fixed_window" ? 2 * capacity : 2 * capacity - 1;
}
