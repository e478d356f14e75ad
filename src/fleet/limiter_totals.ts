/**
 * One limiter, added up over the processes that have it.
 *
 * @module
 */

import { addHistograms, type Histogram, percentile } from "../registry/reports/histogram.ts";
import type { ReportedKey, ReportedLimiter } from "../registry/reports/report.ts";
import type { FleetDenials, FleetKey, FleetLimiter } from "./fleet.ts";
import type { LimiterRates } from "./process_history.ts";

/** How many keys of each kind are named. */
const TOP = 10;

/** Adds up. */
export class LimiterTotals {
  readonly #store: string;
  readonly #id: string;
  #processes = 0;
  #allowed = 0;
  #degraded = 0;
  #waiting = 0;
  #permits = 0;
  readonly #denied = new Map<string, number>();
  readonly #deniedBy = new Map<string, FleetDenials>();
  readonly #waits: Histogram[] = [];
  readonly #rules = new Map<string, { readonly rules: string; readonly hash: string; readonly processes: string[] }>();
  readonly #requests = new Map<string, number>();
  readonly #denials = new Map<string, number>();

  /** Of a limiter of a store, by their ids. */
  constructor(store: string, id: string) {
    this.#store = store;
    this.#id = id;
  }

  /** Adds what a process has reported. */
  add(label: string, limiter: ReportedLimiter, rates: LimiterRates): void {
    const { rules, hash, waiting, permits } = limiter;
    this.#processes++;
    this.#allowed += rates.allowed;
    this.#degraded += rates.degraded;
    this.#waiting += waiting;
    this.#permits += permits;
    for (const [reason, count] of rates.denied) if (count > 0) addTo(this.#denied, reason, count);
    for (const { rule, keyClass, perSecond } of rates.deniedBy) {
      const kind = JSON.stringify([rule, keyClass]);
      const before = this.#deniedBy.get(kind)?.perSecond ?? 0;
      if (perSecond > 0) this.#deniedBy.set(kind, { rule, keyClass, perSecond: before + perSecond });
    }
    this.#waits.push(rates.waits);
    const name = JSON.stringify([rules, hash]);
    const known = this.#rules.get(name);
    if (known === undefined) this.#rules.set(name, { rules, hash, processes: [label] });
    else known.processes.push(label);
    addKeys(this.#requests, limiter.topRequests);
    addKeys(this.#denials, limiter.topDenials);
  }

  /** The sum. */
  get total(): FleetLimiter {
    const denied = [...this.#denied.values()].reduce((sum, count) => sum + count, 0);
    const waits = addHistograms(this.#waits);
    return {
      store: this.#store,
      id: this.#id,
      processes: this.#processes,
      perSecond: this.#allowed + denied,
      allowedPerSecond: this.#allowed,
      deniedPerSecond: Object.fromEntries(this.#denied),
      deniedBy: [...this.#deniedBy.values()].sort((a, b) => b.perSecond - a.perSecond).slice(0, TOP),
      degradedPerSecond: this.#degraded,
      waiting: this.#waiting,
      permits: this.#permits,
      waitP50Ms: percentile(waits, 0.5),
      waitP99Ms: percentile(waits, 0.99),
      rules: [...this.#rules.values()].sort((a, b) => b.processes.length - a.processes.length),
      topRequests: top(this.#requests),
      topDenials: top(this.#denials),
    };
  }
}

function addKeys(counts: Map<string, number>, keys: readonly ReportedKey[]): void {
  for (const { key, count } of keys) if (count > 0) addTo(counts, key, count);
}

function addTo(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}

function top(counts: ReadonlyMap<string, number>): FleetKey[] {
  return [...counts].sort(([, a], [, b]) => b - a).slice(0, TOP).map(([key, count]) => ({ key, count }));
}
