/**
 * What metrics and heavy hitters cost a decision.
 *
 * @module
 */

import { openApart } from "./_apart.ts";
import { compare, type Measured, paceOf } from "./_compare.ts";
import { openPeers } from "./_peers.ts";
import { type BenchContext, claim, type Report, type Row } from "./_report.ts";

/** Names, and what they are to the program. */
const OBSERVERS: Readonly<Record<string, string>> = {
  "no observer": "none",
  "@ratesync/core/prometheus": "prometheus",
  "@ratesync/core/otel": "otel",
  "heavyHitters()": "hitters",
};

/** How many nanoseconds a decision may take longer. So many keys, equally often, are the worst case of heavy hitters. */
const GOALS: Readonly<Record<string, readonly [must: number, aim: number]>> = {
  "@ratesync/core/prometheus, allowed": [50, 10],
  "@ratesync/core/prometheus, denied": [100, 80],
  "@ratesync/core/otel, allowed": [50, 10],
  "@ratesync/core/otel, denied": [100, 80],
  "@ratesync/core/prometheus, permit": [150, 100],
  "heavyHitters(), allowed": [250, 100],
};

/** Runs it. */
export async function observe({ quick }: BenchContext): Promise<Report> {
  const rows: Row[] = [];
  const more = new Map<string, number>();
  for (const outcome of ["allowed", "denied", "permit"]) {
    const { contenders } = await openPeers(Object.fromEntries(
      Object.entries(OBSERVERS).map(([name, observer]) => {
        const args = [observer, outcome];
        return [name, () => openApart(name, { program: "_observe_worker", args, isPinned: false, quick })];
      }),
    ));
    const measured = await compare(contenders, paceOf(quick, { warmUpMs: 1_000, roundMs: 250, rounds: 9 }));
    for (const contender of contenders) await contender.close();
    const alone = measured.find(({ name }) => name === "no observer");
    for (const one of measured) {
      const ns = moreNs(one, alone);
      more.set(`${one.name}, ${outcome}`, ns);
      rows.push({ "observed by": one.name, calls: outcome, "own ns a decision": one.ownUs * 1_000, "more, ns": ns });
    }
  }
  return {
    about:
      "Awaited tryAcquire in memory on 1 000 keys, a fixed window, or a permit that is taken and released; each row " +
      "is a process of its own.",
    rows,
    claims: Object.entries(GOALS).map(([name, [must, aim]]) =>
      claim({ what: `${name}: more own ns`, better: "lower", unit: " ns", must, aim }, more.get(name))
    ),
    notes: [],
  };
}

function moreNs(one: Measured, alone: Measured | undefined): number {
  return alone === undefined ? NaN : (one.ownUs - alone.ownUs) * 1_000;
}
