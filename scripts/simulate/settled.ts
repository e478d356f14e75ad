/**
 * Law 14: after a give-back, a key decides as what was kept allows.
 *
 * @module
 */

import { kernelOf, type RateState } from "../../src/algorithms/kernels.ts";
import type { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import type { Target } from "../../src/stores/store.ts";
import type { Ledger } from "../../tests/_support/auditor/ledger.ts";
import { latestOf } from "../../tests/_support/auditor/too_late.ts";

/** What is wrong with a key of a limiter that has rates; nothing if all is well. */
export function settledProblems(store: MemoryStore, target: Target, ledger: Ledger, nowUs: number): string[] {
  const { rates, capacity } = target.policy;
  const states = store.statesOf(target);
  const standing = { nowUs, kept: ledger.kept.filter(({ units }) => units > 0), debts: ledger.debts };
  return rates.flatMap((rate, i) => {
    return [...new Set([1, capacity])].flatMap((cost) => {
      const earliestUs = kernelOf(rate).earliest(states[i] as RateState, nowUs, cost, rate);
      const latestUs = latestOf(rate, standing, i, cost);
      if (earliestUs <= latestUs) return [];
      const told = `a cost of ${cost} is let in by ${rate.algorithm} after ${earliestUs - nowUs} µs`;
      return [`${ledger.name}: law 14: ${told}, not ${latestUs - nowUs}`];
    });
  });
}
