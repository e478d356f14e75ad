/**
 * Reports of processes, for tests that read them.
 *
 * @module
 */

import { type ProcessReport, REPORT_FORMAT, type ReportedLimiter } from "../../src/registry/reports/report.ts";

/** A limiter in a report. */
export function limiterReport(changes: Partial<ReportedLimiter> = {}): ReportedLimiter {
  return {
    id: "api",
    rules: "token_bucket 5 in 1000 ms, burst 5",
    hash: "0123456789ab",
    allowed: 0,
    denied: {},
    deniedBy: [],
    degraded: 0,
    waiting: 0,
    permits: 0,
    waits: [],
    topRequests: [],
    topDenials: [],
    ...changes,
  };
}

/** A report, by its number: one for each second. */
export function processReport(
  number: number,
  limiters: readonly ReportedLimiter[] = [],
  changes: Partial<ProcessReport> = {},
): ProcessReport {
  return {
    format: REPORT_FORMAT,
    label: "host:1",
    version: "0.1.0",
    runtime: "node 22.0.0",
    startedMs: 1_700_000_000_000,
    number,
    countedMs: number * 1_000,
    store: { state: "up", error: "", outages: 0, queued: 0, calls: 0, latency: [] },
    limiters,
    leftOut: 0,
    ...changes,
  };
}
