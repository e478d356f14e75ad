/**
 * What metrics and heavy hitters cost a decision.
 *
 * @module
 */

import { openApart } from "./_apart.ts";
import { compare, paceOf } from "./_compare.ts";
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

/** How many processes each row has: what a compiler makes of the same code differs by up to 100 ns between two of them. */
const PROCESSES = 5;

/** Runs it. */
export async function observe({ quick }: BenchContext): Promise<Report> {
  const rows: Row[] = [];
  const more = new Map<string, number>();
  for (const outcome of ["allowed", "denied", "permit"]) {
    const least = await leastNs(outcome, quick);
    const alone = least.get("no observer") ?? NaN;
    for (const [name, ns] of least) {
      more.set(`${name}, ${outcome}`, ns - alone);
      rows.push({ "observed by": name, calls: outcome, "own ns a decision": ns, "more, ns": ns - alone });
    }
  }
  return {
    about:
      "Awaited tryAcquire in memory on 1 000 keys, a fixed window, or a permit that is taken and released; each row " +
      `is the quickest of ${PROCESSES} processes.`,
    rows,
    claims: Object.entries(GOALS).map(([name, [must, aim]]) =>
      claim({ what: `${name}: more own ns`, better: "lower", unit: " ns", must, aim }, more.get(name))
    ),
    notes: [],
  };
}

/** The processor time of a call under each observer, in nanoseconds: that of the quickest process. */
async function leastNs(outcome: string, quick: boolean): Promise<Map<string, number>> {
  const least = new Map<string, number>();
  for (let process = 0; process < (quick ? 1 : PROCESSES); process++) {
    const { contenders } = await openPeers(Object.fromEntries(
      Object.entries(OBSERVERS).map(([name, observer]) => {
        const args = [observer, outcome];
        return [name, () => openApart(name, { program: "_observe_worker", args, isPinned: false, quick })];
      }),
    ));
    const measured = await compare(contenders, paceOf(quick, { warmUpMs: 1_000, roundMs: 150, rounds: 5 }));
    for (const contender of contenders) await contender.close();
    for (const { name, ownUs } of measured) least.set(name, Math.min(least.get(name) ?? Infinity, ownUs * 1_000));
  }
  return least;
}
