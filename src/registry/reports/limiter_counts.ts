/**
 * What one limiter has done in this process since it is watched.
 *
 * @module
 */

import type { Limiter } from "../../limiter/limiter.ts";
import { type DenialCount, DenialCounts } from "../../observe/denial_counts.ts";
import type { HeavyHitter, HeavyHitterSketches } from "../../observe/heavy_hitters.ts";
import type { LimiterMetrics } from "../../observe/metrics.ts";
import type { Decision } from "../../decision/decision.ts";
import { hashOf, wordsOf } from "../../policy/words.ts";
import type { Policy } from "../../policy/policy.ts";
import { Durations } from "./histogram.ts";
import { type ReportedKey, type ReportedLimiter, TOP_KEYS } from "./report.ts";

/** The counts of a limiter. */
export class LimiterCounts {
  /** How long calls waited that had to. */
  readonly waits: Durations = new Durations();
  readonly #denials = new DenialCounts();
  readonly #limiter: Limiter;
  #before: LimiterMetrics;
  #policy: Policy | undefined;
  #rules = "";
  #hash = "";

  /** Begins to count. */
  constructor(limiter: Limiter) {
    this.#limiter = limiter;
    this.#before = limiter.metrics();
  }

  /** Counts a denial, if it is one by this limiter. */
  denied(decision: Decision): void {
    this.#denials.count(this.#limiter.id, decision);
  }

  /** What it has done until now, with the keys that come most often. */
  report(hitters: HeavyHitterSketches): ReportedLimiter {
    const { id, policy } = this.#limiter;
    const metrics = this.#limiter.metrics();
    // Metrics can be reset meanwhile.
    if (metrics.totalAcquisitions < this.#before.totalAcquisitions) this.#before = metrics;
    const before = this.#before;
    if (this.#policy !== policy) {
      this.#policy = policy;
      this.#rules = wordsOf(policy);
      this.#hash = hashOf(policy);
    }
    const { byRequests, byDenials } = hitters.read(id, { count: TOP_KEYS });
    const denied = Object.entries(metrics.denialsByReason).flatMap(([reason, count]) => {
      const since = count - (before.denialsByReason as Readonly<Record<string, number>>)[reason]!;
      return since > 0 ? [[reason, since] as const] : [];
    });
    return {
      id,
      rules: this.#rules,
      hash: this.#hash,
      allowed: metrics.totalAcquisitions - before.totalAcquisitions,
      denied: Object.fromEntries(denied),
      deniedBy: this.#denials.read().toSorted((a, b) => b.count - a.count).slice(0, TOP_KEYS).map(countOf),
      degraded: Math.max(metrics.degradedDecisions - before.degradedDecisions, 0),
      waiting: metrics.waiting,
      permits: metrics.currentConcurrent,
      waits: this.waits.histogram,
      topRequests: byRequests.map(keyOf),
      topDenials: byDenials.map(keyOf),
    };
  }
}

function countOf({ rule, keyClass, count }: Readonly<DenialCount>): ReportedLimiter["deniedBy"][number] {
  return { rule, keyClass, count };
}

function keyOf({ key = "", count }: HeavyHitter): ReportedKey {
  return { key, count };
}
