/**
 * The latest reports of one process: what it does per second is the difference of two.
 *
 * @module
 */

import { addHistograms, type Histogram } from "../registry/reports/histogram.ts";
import type { ProcessReport, ReportedLimiter } from "../registry/reports/report.ts";

/** How many reports are kept: percentiles are about the last ten seconds. */
const KEPT = 11;

/** A process whose report stays the same for longer than this is silent, in milliseconds. */
const SILENT_MS = 3_500;

/** A first report of less than this says nothing about rates, in milliseconds. */
const MIN_MS = 200;

/** What a limiter does in one process, per second. */
export interface LimiterRates {
  readonly allowed: number;
  readonly denied: ReadonlyMap<string, number>;
  /** By what denied them: rules and classes of keys, with how often per second. */
  readonly deniedBy: readonly { readonly rule: string; readonly keyClass: string; readonly perSecond: number }[];
  readonly degraded: number;
  /** How long calls waited, within the last seconds. */
  readonly waits: Histogram;
}

/** The history of one process at one store. */
export class ProcessHistory {
  readonly #reports: ProcessReport[] = [];
  #newMs = 0;

  /** Takes the report that was read at a time of the watcher's clock, in milliseconds. */
  add(report: ProcessReport, atMs: number): void {
    const { latest } = this;
    if (latest?.number === report.number && latest.countedMs === report.countedMs) return;
    // The process was not watched for a while, and counts anew.
    if (latest !== undefined && report.countedMs <= latest.countedMs) this.#reports.length = 0;
    this.#reports.push(report);
    if (this.#reports.length > KEPT) this.#reports.shift();
    this.#newMs = atMs;
  }

  /** The newest report; undefined before the first one. */
  get latest(): ProcessReport | undefined {
    return this.#reports.at(-1);
  }

  /** Whether the process has posted nothing new for some seconds. */
  isSilent(atMs: number): boolean {
    return atMs - this.#newMs > SILENT_MS;
  }

  /** How long calls to the store took within the last seconds. */
  get latency(): Histogram {
    const [first, latest] = [this.#reports[0], this.latest];
    if (first === undefined || latest === undefined) return [];
    return addHistograms([latest.store.latency], first === latest ? [] : [first.store.latency]);
  }

  /** What a limiter of the newest report does. */
  ratesOf(limiter: ReportedLimiter): LimiterRates {
    const [first, before, latest] = [this.#reports[0], this.#reports.at(-2), this.latest];
    const ms = (latest?.countedMs ?? 0) - (before?.countedMs ?? 0);
    const earlier = before === undefined ? undefined : find(before, limiter.id);
    // A limiter that was left out of the report before has no known count then.
    const isKnown = earlier !== undefined || before === undefined || before.leftOut === 0;
    const rate = (now: number, then = 0) => ms < MIN_MS || !isKnown ? 0 : Math.max(now - then, 0) * 1_000 / ms;
    const denied = Object.entries(limiter.denied).map(([reason, count]) => {
      return [reason, rate(count, earlier?.denied[reason])] as const;
    });
    const deniedBy = limiter.deniedBy.map(({ rule, keyClass, count }) => {
      const then = earlier?.deniedBy.find((each) => each.rule === rule && each.keyClass === keyClass);
      return { rule, keyClass, perSecond: rate(count, then?.count) };
    });
    const oldest = first === undefined || first === latest ? undefined : find(first, limiter.id);
    return {
      allowed: rate(limiter.allowed, earlier?.allowed),
      denied: new Map(denied),
      deniedBy,
      degraded: rate(limiter.degraded, earlier?.degraded),
      waits: addHistograms([limiter.waits], oldest === undefined ? [] : [oldest.waits]),
    };
  }
}

function find({ limiters }: ProcessReport, id: string): ReportedLimiter | undefined {
  return limiters.find((limiter) => limiter.id === id);
}
