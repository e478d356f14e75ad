/**
 * How long calls to the store take.
 *
 * @module
 */

import { finding, type Judge } from "../finding.ts";

/** Above these a call is slow, in milliseconds: half of the calls, and nearly all of them. */
const SLOW_P50_MS = 10;
const SLOW_P99_MS = 100;

/** Judges the round trips. */
export const latency: Judge = ({ inspection }) => {
  const times = inspection?.roundTripsMs.toSorted((a, b) => a - b) ?? [];
  if (times.length === 0) return [];
  const at = (share: number) => times[Math.min(Math.floor(share * times.length), times.length - 1)] as number;
  const [p50, p99] = [at(0.5), at(0.99)];
  const detail = `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, of ${times.length} calls from here`;
  if (p50 <= SLOW_P50_MS && p99 <= SLOW_P99_MS) return [finding("latency", "ok", detail)];
  const advice =
    "Each decision waits for one call: run the store near the application, and look for slow commands of " +
    "others (SLOWLOG, pg_stat_activity), and for a busy machine";
  return [finding("latency", "warning", detail, advice)];
};
