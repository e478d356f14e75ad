/**
 * Numbers of a report in words.
 *
 * @module
 */

import { exactDuration } from "../../base/duration_words.ts";
import type { LimitReport, Report } from "./report.ts";

/** A whole number with its thousands apart: `1 234 567`. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, " ");
}

/** How many there are of something: `1 key`, `2 keys`. */
export function countOf(count: number, one: string): string {
  return `${countText(count)} ${one}${count === 1 ? "" : "s"}`;
}

/** A part of a whole: `0.03 %`; empty of nothing. What is more than nothing is not shown as 0. */
export function shareText(part: number, whole: number): string {
  if (whole === 0) return "";
  const percent = part / whole * 100;
  if (part > 0 && percent < 0.01) return "<0.01 %";
  return `${percent.toFixed(percent === 0 || percent >= 10 ? 0 : percent >= 1 ? 1 : 2)} %`;
}

/** A time without its fraction: `2026-03-02 06:00:12`. All times of a report are UTC. */
export function timeText(iso: string | null): string {
  return iso === null ? "" : iso.slice(0, 19).replace("T", " ");
}

/** Limits: `100 in 1 min (fixed_window)`. */
export function limitsText(limits: readonly LimitReport[]): string {
  if (limits.length === 0) return "none";
  return limits.map(({ algorithm, limit, windowMs }) => {
    const window = exactDuration(Math.round(windowMs * 1_000));
    return algorithm === "token_bucket"
      ? `${limit} at once, ${limit} in ${window} (${algorithm})`
      : `${limit} in ${window} (${algorithm})`;
  }).join("; ");
}

/** What a report says, in a sentence or two. */
export function summaryText(report: Report): string {
  const { requests, denied, keys, newlyDenied, newlyAllowed, from, to } = report;
  const span = `between ${timeText(from)} and ${timeText(to)} UTC`;
  const all = `${countOf(requests, "request")} by ${countOf(keys, "key")} ${span}: ${countText(denied)} denied` +
    (denied === 0 ? "." : ` (${shareText(denied, requests)}).`);
  if (newlyDenied === undefined || newlyAllowed === undefined) return all;
  if (newlyDenied === 0 && newlyAllowed === 0) return `${all} Both configurations decide alike on each of them.`;
  return `${all} Compared: ${countText(newlyDenied)} newly denied, ${countText(newlyAllowed)} newly allowed.`;
}
