/**
 * What a process tells those who watch the fleet, once a second: text in JSON. Counts are totals since it was first
 * watched, so that a watcher that misses a report misses no call.
 *
 * @module
 */

import type { Histogram } from "./histogram.ts";

/** The version of the form of reports. It goes up where watchers of an earlier version would misread a report. */
export const REPORT_FORMAT = 1;

/** The most limiters in a report: those with the most calls. */
export const MAX_LIMITERS = 100;

/** How many keys of each kind, and how many kinds of denials, a report names for each limiter. */
export const TOP_KEYS = 5;

/** The report of one process on one store. */
export interface ProcessReport {
  /** The version of the form: `REPORT_FORMAT`. */
  readonly format: number;
  /** The process, for people: host and process id, as far as they are known. */
  readonly label: string;
  /** The version of this package. */
  readonly version: string;
  /** The runtime: `node 22.1.0`. */
  readonly runtime: string;
  /** When the process started, in milliseconds since the Unix epoch by its own clock. */
  readonly startedMs: number;
  /** How many reports there were before it since the process was first watched. */
  readonly number: number;
  /** For how long it has counted, in milliseconds. */
  readonly countedMs: number;
  /** The store, as the process sees it. */
  readonly store: ReportedStore;
  /** The limiters on the store. */
  readonly limiters: readonly ReportedLimiter[];
  /** How many further limiters are left out. */
  readonly leftOut: number;
}

/** A store in a report. */
export interface ReportedStore {
  /** `up`, `impaired` or `down`, as in `listStores()`. */
  readonly state: string;
  /** Why it is not up: the reason or code of the error; empty while it is. */
  readonly error: string;
  /** How often it went down since the process started. */
  readonly outages: number;
  /** Requests that wait to be sent, and calls that are not answered yet. */
  readonly queued: number;
  readonly calls: number;
  /** How long calls to it took. */
  readonly latency: Histogram;
}

/** A limiter in a report. */
export interface ReportedLimiter {
  /** Its id. */
  readonly id: string;
  /** What it counts, in words, and a hash that differs where any option does. */
  readonly rules: string;
  readonly hash: string;
  /** Calls that were allowed. */
  readonly allowed: number;
  /** Calls that were denied, by reason. */
  readonly denied: Readonly<Record<string, number>>;
  /** What denied them most often. */
  readonly deniedBy: readonly ReportedDenials[];
  /** Decisions by the failure policy. */
  readonly degraded: number;
  /** Calls that wait now, and permits that are held now. */
  readonly waiting: number;
  readonly permits: number;
  /** How long calls waited that had to. */
  readonly waits: Histogram;
  /** The keys with the most calls, and with the most denials. Clients may have chosen them. */
  readonly topRequests: readonly ReportedKey[];
  readonly topDenials: readonly ReportedKey[];
}

/** Denials of a kind: see `DeniedBy`. */
export interface ReportedDenials {
  /** The limit in words, `block`, `pause` or `store`. */
  readonly rule: string;
  /** What kind of key was denied. */
  readonly keyClass: string;
  /** How often. */
  readonly count: number;
}

/** A key in a report. */
export interface ReportedKey {
  /** The key; empty for the limiter as a whole. */
  readonly key: string;
  /** How often it came, since keys are counted. */
  readonly count: number;
}
