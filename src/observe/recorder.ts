/**
 * Counts the calls of a limiter in this process, and tells its subscribers.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { StoreError } from "../base/errors.ts";
import type { Decision } from "../decision/decision.ts";
import type { DenialReason } from "../decision/outcome.ts";
import { type LimiterListener, type Logger, Subscriptions } from "./events.ts";
import type { Counts, LimiterMetrics } from "./metrics.ts";
import type { WaitOutcome } from "./observer.ts";
import type { Observers } from "./observers.ts";
import { metricsOf } from "./observing.ts";

const ZERO: Readonly<Counts> = {
  totalAcquisitions: 0,
  timeouts: 0,
  aborts: 0,
  waiting: 0,
  totalWaitMs: 0,
  maxWaitMs: 0,
  currentConcurrent: 0,
  peakConcurrent: 0,
  maxConcurrentReached: 0,
  totalReleases: 0,
  leasesLost: 0,
  storeErrors: 0,
  failures: 0,
  denyCacheHits: 0,
  tokenLeaseHits: 0,
  degradedDecisions: 0,
};

const NO_DENIALS: Readonly<Record<DenialReason, number>> = {
  rate: 0,
  blocked: 0,
  concurrency: 0,
  queue_full: 0,
  store: 0,
};

/** The recorder of one limiter. */
export class Recorder {
  /** The limiter's id. */
  readonly limiter: string;
  /** Those who observe the instance. */
  readonly observers: Observers;
  /** Whether decisions are subscribed to or observed. A field: getters of getters cost each call. */
  isWatched = false;
  readonly #events: Subscriptions;
  #counts: Counts = { ...ZERO };
  #denials = { ...NO_DENIALS };
  /** By the clock; 0 for never: a field that always holds a number is changed in place. */
  #lastUs = 0;

  constructor(limiter: string, log: Pick<Logger, "error">, observers: Observers) {
    this.limiter = limiter;
    this.observers = observers;
    this.#events = new Subscriptions(log);
    observers.followers.push(() => this.#look());
    this.#look();
  }

  /** A copy of the counts. `clock` is where the instants come from that were counted. */
  snapshot(clock: Clock): LimiterMetrics {
    return metricsOf(this.#counts, this.#denials, this.#lastUs, clock);
  }

  /** Starts over. Permits that are held and calls that wait stay counted. */
  reset(): void {
    const { currentConcurrent, waiting } = this.#counts;
    this.#counts = { ...ZERO, currentConcurrent, peakConcurrent: currentConcurrent, waiting };
    this.#denials = { ...NO_DENIALS };
    this.#lastUs = 0;
  }

  /** Calls `listener` with every event of the limiter. Returns a function that removes the listener. */
  subscribe(listener: LimiterListener): () => void {
    const remove = this.#events.add(listener);
    this.#look();
    return () => {
      remove();
      this.#look();
    };
  }

  #look(): void {
    this.isWatched = this.#events.any || this.observers.methods.decided !== undefined;
  }

  /**
   * A call was decided at an instant of the clock. Calls that `waits` gave up because of their deadline where they were
   * denied; one that was queued has been counted as finding every permit taken. `key` is the one of this limiter.
   *
   * @param decision Undefined of a permit whose decision is not made, because nothing is watched.
   */
  decided(
    decision: Decision | undefined,
    waitedMs: number,
    atUs: number,
    waits: boolean,
    wasQueued: boolean,
    key: string | undefined = decision?.key,
  ): void {
    if (decision === undefined || decision.allowed) {
      const counts = this.#counts;
      counts.totalAcquisitions++;
      counts.totalWaitMs += waitedMs;
      if (waitedMs > counts.maxWaitMs) counts.maxWaitMs = waitedMs;
      this.#lastUs = atUs;
    } else this.#denied(decision, waits, wasQueued, key);
    if (!this.isWatched || decision === undefined) return;
    if (this.#events.any) this.#events.emit({ type: "decision", limiter: this.limiter, decision, waitedMs });
    this.observers.methods.decided?.(this.limiter, key, decision, waitedMs);
  }

  /** A call was decided in place of the store. */
  degraded(): void {
    this.#counts.degradedDecisions++;
  }

  #denied(decision: Decision, waits: boolean, wasQueued: boolean, key: string | undefined): void {
    const { reason } = decision;
    const counts = this.#counts;
    this.#denials[reason as DenialReason]++;
    if (waits && reason !== "queue_full") counts.timeouts++;
    if (reason === "concurrency" && !wasQueued) counts.maxConcurrentReached++;
    this.observers.methods.denied?.(this.limiter, key, decision);
  }

  /** A call that waits found every permit taken. */
  queued(): void {
    this.#counts.maxConcurrentReached++;
  }

  /** A call has begun to wait. */
  waits(): void {
    this.#counts.waiting++;
    this.observers.methods.queued?.(this.limiter);
  }

  /** A call that waited has ended. */
  waited(outcome: WaitOutcome, waitedMs: number, begun: unknown): void {
    this.#counts.waiting--;
    this.observers.methods.dequeued?.(this.limiter, outcome, waitedMs, begun);
  }

  /** A caller aborted its call. */
  aborted(): void {
    this.#counts.aborts++;
  }

  /** A call was decided without asking the store: from leased units, or by an earlier denial. */
  spared(isLease: boolean): void {
    if (isLease) this.#counts.tokenLeaseHits++;
    else this.#counts.denyCacheHits++;
  }

  /** A call has failed with the store. */
  failed(): void {
    this.#counts.failures++;
  }

  /** The store could not decide. */
  storeFailed(error: StoreError): void {
    this.#counts.storeErrors++;
    if (this.#events.any) this.#events.emit({ type: "store_error", limiter: this.limiter, error });
  }

  /** A permit was taken. */
  held(): void {
    const counts = this.#counts;
    counts.currentConcurrent++;
    counts.peakConcurrent = Math.max(counts.peakConcurrent, counts.currentConcurrent);
  }

  /** A permit was given back, or its lease has ended. `heldMs`: how long it was held; NaN if that was not observed. */
  freed(type: "release" | "lease_lost", heldMs: number): void {
    const counts = this.#counts;
    counts[type === "release" ? "totalReleases" : "leasesLost"]++;
    counts.currentConcurrent = Math.max(counts.currentConcurrent - 1, 0);
    if (this.isWatched && this.#events.any) this.#events.emit({ type, limiter: this.limiter });
    if (!Number.isNaN(heldMs)) this.observers.methods.released?.(this.limiter, heldMs, type === "lease_lost");
  }
}
