/**
 * Counts the calls of a limiter in this process, and tells its subscribers.
 *
 * @module
 */

import { type Clock, toWallMs } from "../../base/clock.ts";
import type { StoreError } from "../../base/errors.ts";
import type { Decision } from "../result/decision.ts";
import { type LimiterListener, type Logger, Subscriptions } from "./events.ts";
import type { LimiterMetrics } from "./metrics.ts";

const ZERO = {
  totalAcquisitions: 0,
  totalDenials: 0,
  timeouts: 0,
  aborts: 0,
  totalWaitMs: 0,
  maxWaitMs: 0,
  currentConcurrent: 0,
  peakConcurrent: 0,
  maxConcurrentReached: 0,
  queueFull: 0,
  totalReleases: 0,
  leasesLost: 0,
  storeErrors: 0,
  degradedDecisions: 0,
};

/** The recorder of one limiter. */
export class Recorder {
  /** The limiter's id. */
  readonly limiter: string;
  /** Whether there is a subscription: then decisions are reported. A field: getters of getters cost each call. */
  isWatched = false;
  readonly #events: Subscriptions;
  #counts = { ...ZERO };
  /** By the clock; 0 for never: a field that always holds a number is changed in place. */
  #lastUs = 0;

  constructor(limiter: string, log: Pick<Logger, "error">) {
    this.limiter = limiter;
    this.#events = new Subscriptions(log);
  }

  /** A copy of the counts. `clock` is where the instants come from that were counted. */
  snapshot(clock: Clock): LimiterMetrics {
    const { totalAcquisitions, totalWaitMs } = this.#counts;
    return Object.freeze({
      ...this.#counts,
      lastAcquisitionAtMs: this.#lastUs === 0 ? undefined : toWallMs(clock, this.#lastUs),
      avgWaitMs: totalAcquisitions === 0 ? 0 : totalWaitMs / totalAcquisitions,
    });
  }

  /** Starts over. Permits that are held stay counted. */
  reset(): void {
    const { currentConcurrent } = this.#counts;
    this.#counts = { ...ZERO, currentConcurrent, peakConcurrent: currentConcurrent };
    this.#lastUs = 0;
  }

  /** Calls `listener` with every event of the limiter. Returns a function that removes the listener. */
  subscribe(listener: LimiterListener): () => void {
    const remove = this.#events.add(listener);
    this.isWatched = true;
    return () => {
      remove();
      this.isWatched = this.#events.any;
    };
  }

  /**
   * A call was decided at an instant of the clock. Calls that `waits` gave up because of their deadline where they were
   * denied; one that was queued has been counted as finding every permit taken.
   */
  decided(decision: Decision, waitedMs: number, atUs: number, waits: boolean, wasQueued: boolean): void {
    if (decision.allowed) this.acquired(waitedMs, atUs);
    else this.#denied(decision, waits, wasQueued);
    if (decision.degraded) this.#counts.degradedDecisions++;
    if (this.isWatched) this.#events.emit({ type: "decision", limiter: this.limiter, decision, waitedMs });
  }

  /** A call was allowed, without a listener. */
  acquired(waitedMs: number, atUs: number): void {
    const counts = this.#counts;
    counts.totalAcquisitions++;
    counts.totalWaitMs += waitedMs;
    if (waitedMs > counts.maxWaitMs) counts.maxWaitMs = waitedMs;
    this.#lastUs = atUs;
  }

  #denied({ reason }: Decision, waits: boolean, wasQueued: boolean): void {
    const counts = this.#counts;
    counts.totalDenials++;
    if (reason === "queue_full") counts.queueFull++;
    else if (waits) counts.timeouts++;
    if (reason === "concurrency" && !wasQueued) counts.maxConcurrentReached++;
  }

  /** A call that waits found every permit taken. */
  queued(): void {
    this.#counts.maxConcurrentReached++;
  }

  /** A caller aborted its call. */
  aborted(): void {
    this.#counts.aborts++;
  }

  /** The store could not decide. */
  storeFailed(error: StoreError): void {
    this.#counts.storeErrors++;
    if (this.isWatched) this.#events.emit({ type: "store_error", limiter: this.limiter, error });
  }

  /** A permit was taken. */
  held(): void {
    const counts = this.#counts;
    counts.currentConcurrent++;
    counts.peakConcurrent = Math.max(counts.peakConcurrent, counts.currentConcurrent);
  }

  /** A permit was given back. */
  released(): void {
    this.#counts.totalReleases++;
    this.#freed("release");
  }

  /** The lease of a permit has ended. */
  leaseLost(): void {
    this.#counts.leasesLost++;
    this.#freed("lease_lost");
  }

  #freed(type: "release" | "lease_lost"): void {
    const counts = this.#counts;
    counts.currentConcurrent = Math.max(counts.currentConcurrent - 1, 0);
    if (this.isWatched) this.#events.emit({ type, limiter: this.limiter });
  }
}
