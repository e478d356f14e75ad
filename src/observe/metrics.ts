/**
 * What a limiter has done so far, in this process.
 *
 * @module
 */

import type { DenialReason } from "../decision/outcome.ts";

/** Counts since the start of the process or the last reset: a copy, which does not change. */
export interface LimiterMetrics {
  /** Calls that were allowed. */
  readonly totalAcquisitions: number;
  /** Calls that were denied, by `tryAcquire` or by an `acquire` whose deadline could not be met. */
  readonly totalDenials: number;
  /** The same by reason. They add up to `totalDenials`. */
  readonly denialsByReason: Readonly<Record<DenialReason, number>>;
  /** Calls of `acquire` that gave up because their deadline could not be met. */
  readonly timeouts: number;
  /** Calls that their caller aborted while they waited. */
  readonly aborts: number;
  /** Calls that wait at this moment, for units or for a permit. */
  readonly waiting: number;
  /** Time that allowed calls waited, in milliseconds, in all. */
  readonly totalWaitMs: number;
  /** The same on average; 0 before the first call. */
  readonly avgWaitMs: number;
  /** The longest such wait. */
  readonly maxWaitMs: number;
  /** When the last call was allowed, in milliseconds since the Unix epoch; undefined before the first. */
  readonly lastAcquisitionAtMs: number | undefined;
  /** Permits that this process holds. */
  readonly currentConcurrent: number;
  /** The most permits that this process has held at once. */
  readonly peakConcurrent: number;
  /** How often a call found every permit taken. */
  readonly maxConcurrentReached: number;
  /** Calls that were denied at once because `maxWaiters` calls waited already. */
  readonly queueFull: number;
  /** Permits that were released. */
  readonly totalReleases: number;
  /** Leases that ended before their permit was released. */
  readonly leasesLost: number;
  /** Times the store could not decide. */
  readonly storeErrors: number;
  /** Calls that failed because the store could not decide and `onStoreError` is `"throw"`. */
  readonly failures: number;
  /** Denials that this process repeated without asking the store, because an earlier one still held. */
  readonly denyCacheHits: number;
  /** Decisions that this process made from units that it had leased, without asking the store. */
  readonly tokenLeaseHits: number;
  /** Decisions that the failure policy made in place of the store. */
  readonly degradedDecisions: number;
}

/** What is counted of a limiter; the rest follows from it. */
export type Counts = {
  -readonly [
    Name in Exclude<
      keyof LimiterMetrics,
      "totalDenials" | "denialsByReason" | "queueFull" | "lastAcquisitionAtMs" | "avgWaitMs"
    >
  ]: number;
};
