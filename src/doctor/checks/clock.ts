/**
 * Whether the store's clock is right, and stays so.
 *
 * @module
 */

import { type Finding, finding, type Judge } from "../finding.ts";

/** A clock that moves more than this within a few seconds has been set, in milliseconds. */
const STEP_MS = 500;

/** Judges the clock. */
export const clock: Judge = ({ check, inspection }) => {
  const findings: Finding[] = check.problems.filter(({ kind }) => kind === "clock")
    .map(({ message }) => finding("clock", "warning", message));
  const moved = inspection?.clockMovedMs ?? 0;
  if (Math.abs(moved) > STEP_MS) {
    const detail = `the server's clock has moved by ${
      (moved / 1_000).toFixed(1)
    } s against this one while it was looked at`;
    findings.push(finding("clock", "error", detail, "Let NTP slew the clock instead of setting it"));
  }
  if (findings.length > 0 || check.clockOffsetMs === undefined) return findings;
  const offset = check.clockOffsetMs;
  const where = Math.abs(offset) < 1
    ? "less than 1 ms from"
    : `${Math.abs(offset).toFixed(0)} ms ${offset > 0 ? "ahead of" : "behind"}`;
  return [finding("clock", "ok", `${where} this machine's`)];
};
