/**
 * Whether the server is one that the scripts are made for.
 *
 * @module
 */

import { finding, type Judge } from "../finding.ts";

/** The oldest major version of Redis that the scripts run on, and the oldest that its authors still repair. */
const OLDEST = 6;
const KEPT = 7;

/** Judges the version of a Redis. Several versions are a cluster that is being updated. */
export const version: Judge = ({ check: { engine, version: text } }) => {
  if (engine !== "redis" || text === undefined) return [];
  const majors = text.split(", ").map((each) => Number.parseInt(each, 10));
  const oldest = Math.min(...majors);
  if (Number.isNaN(oldest)) return [];
  if (oldest < OLDEST) {
    return [finding("version", "error", `Redis ${text} is too old`, `Use Redis ${OLDEST} or later, or Valkey`)];
  }
  if (oldest < KEPT) {
    return [finding("version", "note", `Redis ${text} gets no more repairs`, `Update to Redis ${KEPT} or Valkey`)];
  }
  return text.includes(",")
    ? [finding("version", "note", `the nodes have different versions: ${text}`)]
    : [finding("version", "ok", text)];
};
