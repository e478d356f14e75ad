/**
 * Posts what this process does at a store, once a second while there is a watcher. Loaded when that is first so.
 *
 * @module
 */

import { type Clock, systemClock, type Timer, wallMs } from "../../base/clock.ts";
import { VERSION } from "../../base/version.ts";
import type { Limiter } from "../../limiter/limiter.ts";
import { HeavyHitterSketches } from "../../observe/heavy_hitters.ts";
import type { Observer } from "../../observe/observer.ts";
import { type Board, MAX_POST } from "../../stores/board.ts";
import type { StoreListing } from "../listing.ts";
import { Durations } from "./histogram.ts";
import { processLabel, runtimeName } from "./label.ts";
import { LimiterCounts } from "./limiter_counts.ts";
import { MAX_LIMITERS, type ProcessReport, REPORT_FORMAT, type ReportedLimiter } from "./report.ts";

/** How long after one report the next one comes, in microseconds. */
const EVERY_US = 1_000_000;

/** What is reported, and where. */
export interface PublisherOptions {
  /** The store's id. */
  readonly store: string;
  /** Where reports go. */
  readonly board: Board;
  /** The clock of the instance. */
  readonly clock: Clock;
  /** The limiters on the store. */
  limiters(): readonly Limiter[];
  /** How the store looks. */
  listing(): StoreListing;
  /** Has an observer told what happens in the instance. Returns how to remove it. */
  observe(observer: Observer): () => void;
}

/** What is counted while there is a watcher. */
interface Counting {
  readonly sinceUs: number;
  readonly limiters: Map<string, LimiterCounts>;
  readonly hitters: HeavyHitterSketches;
  readonly latency: Durations;
  readonly end: () => void;
  reports: number;
}

/** The reports of one instance on one store. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #id = crypto.randomUUID().replaceAll("-", "").slice(0, 16);
  #label: string | undefined;
  #counting: Counting | undefined;
  #timer: Timer | undefined;
  #isClosed = false;

  /** Begins with `start`. */
  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** There is a watcher: posts at once, and every second while that is so. Does nothing while it posts already. */
  start(): void {
    if (this.#counting !== undefined || this.#isClosed) return;
    this.#counting = this.#count();
    void this.#post(this.#counting);
  }

  /** Ends the reports. The last one goes by itself. */
  close(): void {
    this.#isClosed = true;
    this.#stop();
  }

  #stop(): void {
    this.#timer?.cancel();
    this.#counting?.end();
    this.#counting = undefined;
  }

  #count(): Counting {
    const { store, observe, clock } = this.#options;
    const limiters = new Map<string, LimiterCounts>();
    const latency = new Durations();
    const ignore = observe({
      denied: (limiter, _key, decision) => limiters.get(limiter)?.denied(decision),
      dequeued: (limiter, _outcome, waitedMs) => limiters.get(limiter)?.waits.add(waitedMs),
      storeCalled: (id, _requests, durationMs) => {
        if (id === store) latency.add(durationMs);
      },
    });
    const removers: (() => void)[] = [ignore];
    const hitters = new HeavyHitterSketches(clock, (observer) => {
      const remove = observe(observer);
      removers.push(remove);
      return remove;
    });
    const end = () => removers.forEach((remove) => remove());
    return { sinceUs: systemClock.nowUs(), limiters, hitters, latency, end, reports: 0 };
  }

  async #post(counting: Counting): Promise<void> {
    this.#label ??= await processLabel();
    let isWatched = false;
    try {
      isWatched = await this.#options.board.post(this.#id, textOf(this.#report(counting)));
    } catch {
      // What keeps a report from the store keeps decisions from it, and that is reported.
    }
    if (this.#counting !== counting) return;
    if (!isWatched) return this.#stop();
    const next = () => void this.#post(counting);
    this.#timer = systemClock.schedule(systemClock.nowUs() + EVERY_US, next, { background: true });
  }

  #report(counting: Counting): ProcessReport {
    const all = this.#options.limiters();
    const limiters = all.map((limiter): ReportedLimiter => {
      let counts = counting.limiters.get(limiter.id);
      if (counts === undefined) counting.limiters.set(limiter.id, counts = new LimiterCounts(limiter));
      return counts.report(counting.hitters);
    });
    const { state, error, outages, load } = this.#options.listing();
    return {
      format: REPORT_FORMAT,
      label: this.#label ?? "",
      version: VERSION,
      runtime: runtimeName(),
      startedMs: Math.round(startedMs()),
      number: counting.reports++,
      countedMs: Math.round((systemClock.nowUs() - counting.sinceUs) / 1_000),
      store: {
        state,
        error: error?.reason ?? error?.code ?? "",
        outages,
        queued: load?.queued ?? 0,
        calls: load?.calls ?? 0,
        latency: counting.latency.histogram,
      },
      limiters: limiters.toSorted((a, b) => callsOf(b) - callsOf(a)).slice(0, MAX_LIMITERS),
      leftOut: Math.max(limiters.length - MAX_LIMITERS, 0),
    };
  }
}

/** A report as text that fits: without keys, and then with fewer limiters, where it would be too long. */
function textOf(report: ProcessReport): string {
  let text = JSON.stringify(report);
  if (text.length <= MAX_POST) return text;
  let limiters = report.limiters.map((limiter) => ({ ...limiter, topRequests: [], topDenials: [] }));
  for (;;) {
    const leftOut = report.leftOut + report.limiters.length - limiters.length;
    text = JSON.stringify({ ...report, limiters, leftOut });
    if (text.length <= MAX_POST || limiters.length === 0) return text;
    limiters = limiters.slice(0, Math.floor(limiters.length / 2));
  }
}

function callsOf({ allowed, denied }: ReportedLimiter): number {
  return Object.values(denied).reduce((sum, count) => sum + count, allowed);
}

/** When this process started, or its clock, where the runtime does not tell. */
function startedMs(): number {
  return globalThis.performance?.timeOrigin || wallMs(systemClock);
}
