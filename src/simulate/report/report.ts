/**
 * What a replay has found, as data.
 *
 * @module
 */

import type { RuleChange } from "../replay/rules.ts";
import type { UnreadLine } from "../input/log_reader.ts";

/** How many requests there were, and what became of them. */
export interface ReportCounts {
  /** Requests that were checked. */
  readonly requests: number;
  /** Requests that are denied. */
  readonly denied: number;
  /** With rules to compare: requests that are denied now, and were allowed by the old rules. */
  readonly newlyDenied?: number;
  /** With rules to compare: requests that are allowed now, and were denied by the old rules. */
  readonly newlyAllowed?: number;
}

/** What became of the requests of a key. */
export interface KeyReport extends ReportCounts {
  /** The key. */
  readonly key: string;
  /** When it was denied first and last, in ISO 8601; null where it never was. */
  readonly firstDenied: string | null;
  readonly lastDenied: string | null;
  /** The longest time in which it was denied without a break, in milliseconds. */
  readonly longestMs: number;
}

/** What became of the requests of a path. Ids in paths are written `:id`. */
export interface PathReport extends ReportCounts {
  /** The path. */
  readonly path: string;
}

/** What became of the requests of an hour. */
export interface HourReport extends ReportCounts {
  /** When it begins, in ISO 8601. */
  readonly hour: string;
}

/** A limit of a limiter. */
export interface LimitReport {
  /** How it counts. */
  readonly algorithm: string;
  /** The most units. */
  readonly limit: number;
  /** The window in which they become free again, in milliseconds. */
  readonly windowMs: number;
}

/** What one limiter has decided, as if it were the only one. */
export interface LimiterReport extends ReportCounts {
  /** Its id. */
  readonly limiter: string;
  /** How its keys are formed. */
  readonly keyedBy: string;
  /** With rules to compare: what became of it. */
  readonly change?: RuleChange;
  /** Its limits; empty where it was removed. */
  readonly limits: readonly LimitReport[];
  /** With rules to compare: its old limits; empty where it was added. */
  readonly oldLimits?: readonly LimitReport[];
  /** Units that its requests cost. */
  readonly units: number;
  /** Requests that cost more than it can ever hold. They count as denied. */
  readonly tooLarge: number;
  /** Requests without a key, which it did not check. */
  readonly withoutKey: number;
  /** Different keys. */
  readonly keys: number;
  /** Keys that were denied at least once. */
  readonly keysDenied: number;
  /** When it denied first and last, in ISO 8601; null where it never did. */
  readonly firstDenied: string | null;
  readonly lastDenied: string | null;
  /** The longest time for which it denied a key without a break, in milliseconds. */
  readonly longestMs: number;
  /** The keys with the most changes, then denials. */
  readonly topKeys: readonly KeyReport[];
  /** The paths with the most changes, then denials. */
  readonly topPaths: readonly PathReport[];
  /** By hour; hours without requests are left out. */
  readonly hours: readonly HourReport[];
}

/** One log. */
export interface FileReport {
  /** What it is called. */
  readonly file: string;
  /** Its format. */
  readonly format: string;
  /** Lines that are not empty. */
  readonly lines: number;
  /** Lines that could not be read. */
  readonly unparsed: number;
  /** The times of its oldest and newest line, in ISO 8601. */
  readonly from: string;
  readonly to: string;
}

/** What a replay has found. */
export interface Report extends ReportCounts {
  /** Different keys; those of several ways to form keys together. */
  readonly keys: number;
  /** The times of the oldest and newest line, in ISO 8601. */
  readonly from: string;
  readonly to: string;
  /** Lines that are not empty. */
  readonly lines: number;
  /** Lines that could not be read. */
  readonly unparsed: number;
  /** Lines that are left out by their path, method or status. */
  readonly filtered: number;
  /** Lines that have no key. */
  readonly withoutKey: number;
  /** What must be known to read the numbers. */
  readonly warnings: readonly string[];
  /** The limiters. */
  readonly limiters: readonly LimiterReport[];
  /** By hour, over all limiters. */
  readonly hours: readonly HourReport[];
  /** The logs. */
  readonly files: readonly FileReport[];
  /** Lines that could not be read: the first ones. */
  readonly samples: readonly UnreadLine[];
}
