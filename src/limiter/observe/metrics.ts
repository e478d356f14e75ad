/**
 * What a limiter has done so far, in this process.
 *
 * @module
 */

import { type Clock, toWallMs } from "../../base/clock.ts";

/** Counts since the start of the process or the last reset: a copy, which does not change. */
export interface LimiterMetrics {
  /** Calls that were allowed. */
  readonly totalAcquisitions: number;
  /** Calls that were denied, by `tryAcquire` or by an `acquire` whose deadline could not be met. */
  readonly totalDenials: number;
  /** Calls of `acquire` that gave up because their deadline could not be met. */
  readonly timeouts: number;
  /** Calls that their caller aborted while they waited. */
  readonly aborts: number;
  /** Time that allowed calls waited, in milliseconds, in all. */
  readonly totalWaitMs: number;
  /** The same on average; 0 before the first call. */
  readonly avgWaitMs: number;
  /** The longest such wait. */
  readonly maxWaitMs: number;
  /** When the last call was allowed, in milliseconds since the Unix epoch; undefined before the first. */
  readonly lastAcquisitionAtMs: number | undefined;
  /** Slots that this process holds. */
  readonly currentConcurrent: number;
  /** The most slots that this process has held at once. */
  readonly peakConcurrent: number;
  /** How often a call found every slot taken. */
  readonly maxConcurrentReached: number;
  /** Calls that were denied at once because `maxWaiters` calls waited already. */
  readonly queueFull: number;
  /** Permits with a slot that were released. */
  readonly totalReleases: number;
  /** Leases that ended before their permit was released. */
  readonly leasesLost: number;
  /** Times the store could not decide. */
  readonly storeErrors: number;
  /** Decisions that the failure policy made in place of the store. */
  readonly degradedDecisions: number;
}

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

/** Counts for one limiter. */
export class MetricsRecorder {
  #counts = { ...ZERO };
  /** By the clock; 0 for never: a field that always holds a number is changed in place. */
  #lastUs = 0;

  /**
   * A copy of the counts.
   *
   * @param clock Where the instants come from that were counted.
   */
  snapshot(clock: Clock): LimiterMetrics {
    const { totalAcquisitions, totalWaitMs } = this.#counts;
    return Object.freeze({
      ...this.#counts,
      lastAcquisitionAtMs: this.#lastUs === 0 ? undefined : toWallMs(clock, this.#lastUs),
      avgWaitMs: totalAcquisitions === 0 ? 0 : totalWaitMs / totalAcquisitions,
    });
  }

  /** Starts over. Slots that are held stay counted. */
  reset(): void {
    const { currentConcurrent } = this.#counts;
    this.#counts = { ...ZERO, currentConcurrent, peakConcurrent: currentConcurrent };
    this.#lastUs = 0;
  }

  /** A call was allowed after a wait, at an instant of the clock. */
  acquired(waitMs: number, atUs: number): void {
    const counts = this.#counts;
    counts.totalAcquisitions++;
    counts.totalWaitMs += waitMs;
    if (waitMs > counts.maxWaitMs) counts.maxWaitMs = waitMs;
    this.#lastUs = atUs;
  }

  /** A slot was taken. */
  held(): void {
    const counts = this.#counts;
    counts.currentConcurrent++;
    counts.peakConcurrent = Math.max(counts.peakConcurrent, counts.currentConcurrent);
  }

  /** A slot was given back, or lost. */
  freed(how: "released" | "lost"): void {
    const counts = this.#counts;
    counts.currentConcurrent = Math.max(counts.currentConcurrent - 1, 0);
    if (how === "lost") counts.leasesLost++;
    else counts.totalReleases++;
  }

  /** A call was denied: it found every permit taken, or a full queue, or neither. */
  denied(found: "full" | "queue_full" | undefined, timedOut: boolean = false): void {
    this.#counts.totalDenials++;
    if (timedOut) this.#counts.timeouts++;
    if (found === "full") this.#counts.maxConcurrentReached++;
    if (found === "queue_full") this.#counts.queueFull++;
  }

  /** A waiting call found every slot taken. */
  queued(): void {
    this.#counts.maxConcurrentReached++;
  }

  /** A caller aborted its call. */
  aborted(): void {
    this.#counts.aborts++;
  }

  /** The failure policy decided. */
  degraded(): void {
    this.#counts.degradedDecisions++;
  }

  /** The store could not decide. */
  storeFailed(): void {
    this.#counts.storeErrors++;
  }
}
