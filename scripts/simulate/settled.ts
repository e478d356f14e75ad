/**
 * Law 14: after a give-back, a key decides as what was kept allows.
 *
 * @module
 */

import type { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import type { TakeReply, Target } from "../../src/stores/store.ts";
import type { Ledger } from "../../tests/_support/auditor/ledger.ts";
import { latestOf } from "../../tests/_support/auditor/too_late.ts";

/** What is wrong with a key of a limiter that has rates; nothing if all is well. */
export function settledProblems(store: MemoryStore, target: Target, ledger: Ledger, nowUs: number): string[] {
  const { policy } = target;
  const problems: string[] = [];
  const standing = { nowUs, kept: ledger.kept.filter(({ units }) => units > 0), debts: ledger.debts };
  for (const cost of new Set([1, policy.capacity])) {
    const targets = [{ ...target, cost, slots: 0 }];
    const { waitUs } = store.execute(
      { op: "take", mode: "peek", targets, maxWaitUs: 0, arrivalUs: 0, id: "" },
    ) as TakeReply;
    const latestUs = Math.max(...policy.rates.map((rate, i) => latestOf(rate, standing, i, cost)));
    if (nowUs + waitUs <= latestUs) continue;
    problems.push(`${ledger.name}: law 14: a cost of ${cost} is let in after ${waitUs} µs, not ${latestUs - nowUs}`);
  }
  return problems;
}
