/**
 * What metrics and heavy hitters cost a decision, and the release of a permit.
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
  "@ratesync/core/otel, histogramProducer()": "counted",
  "heavyHitters()": "hitters",
};

/** What a program without this package's metrics would do at the release of a permit, to count how long it was held. */
const SDK = "histogram.record() of its SDK";

/** What is measured, as the arguments of the program name it. */
const OUTCOMES = ["allowed", "denied", "taken", "released"] as const;

/** How many nanoseconds a call may take longer. So many keys, equally often, are the worst case of heavy hitters. */
const GOALS: Readonly<Record<string, readonly [must: number, aim: number]>> = {
  "@ratesync/core/prometheus, allowed": [50, 10],
  "@ratesync/core/prometheus, denied": [100, 80],
  "@ratesync/core/prometheus, taken": [100, 50],
  "@ratesync/core/prometheus, released": [150, 100],
  "@ratesync/core/otel, allowed": [50, 10],
  "@ratesync/core/otel, denied": [100, 80],
  "@ratesync/core/otel, taken": [100, 50],
  "@ratesync/core/otel, histogramProducer(), released": [150, 100],
  "heavyHitters(), allowed": [250, 100],
};

/** How much longer than the SDK alone a release may take that OpenTelemetry counts. */
const BESIDE_SDK: readonly [must: number, aim: number] = [200, 100];

/** What the table says of them. */
const CALLS: Readonly<Record<typeof OUTCOMES[number], string>> = {
  allowed: "tryAcquire, allowed",
  denied: "tryAcquire, denied",
  taken: "a permit is taken",
  released: "a permit is released",
};

/** How many processes each row has: what a compiler makes of the same code differs by up to 100 ns between two of them. */
const PROCESSES = 5;

/** Runs it. */
export async function observe({ quick }: BenchContext): Promise<Report> {
  const rows: Row[] = [];
  const more = new Map<string, number>();
  for (const outcome of OUTCOMES) {
    const least = await leastNs(outcome, quick);
    const alone = least.get("no observer") ?? NaN;
    for (const [name, ns] of least) {
      more.set(`${name}, ${outcome}`, ns - alone);
      rows.push({ "observed by": name, calls: CALLS[outcome], "own ns a call": ns, "more, ns": ns - alone });
    }
  }
  return {
    about: "Awaited calls in memory on 1 000 keys: tryAcquire, a fixed window, and acquire and release of permits; " +
      `each row is the quickest of ${PROCESSES} processes. OpenTelemetry has its SDK, and a reader.`,
    rows,
    claims: [
      ...Object.entries(GOALS).map(([name, [must, aim]]) =>
        claim({ what: `${name}: more own ns`, better: "lower", unit: " ns", must, aim }, more.get(name))
      ),
      claim(
        {
          what: "@ratesync/core/otel, released: more own ns than its SDK",
          better: "lower",
          unit: " ns",
          must: BESIDE_SDK[0],
          aim: BESIDE_SDK[1],
        },
        (more.get("@ratesync/core/otel, released") ?? NaN) - (more.get(`${SDK}, released`) ?? NaN),
      ),
    ],
    notes: [],
  };
}

/** The processor time of a call under each observer, in nanoseconds: that of the quickest process. */
async function leastNs(outcome: string, quick: boolean): Promise<Map<string, number>> {
  const least = new Map<string, number>();
  const observers = { ...OBSERVERS, ...(outcome === "released" ? { [SDK]: "sdk" } : {}) };
  for (let process = 0; process < (quick ? 1 : PROCESSES); process++) {
    const { contenders } = await openPeers(Object.fromEntries(
      Object.entries(observers).map(([name, observer]) => {
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
