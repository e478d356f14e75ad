/**
 * Whether the store can be reached, and what it is.
 *
 * @module
 */

import { type Finding, finding, type Judge } from "../finding.ts";

/** Problems that other checks judge. */
const ELSEWHERE: ReadonlySet<string> = new Set(["permission", "memory", "eviction", "clock"]);

/** Judges whether the store answers and takes writes. */
export const reachability: Judge = ({ check }) => {
  const { url, engine, version, role } = check;
  const place = url === undefined ? engine : `${engine} at ${url}`;
  const problems = check.problems.filter(({ kind }) => !ELSEWHERE.has(kind)).map(({ kind, message }): Finding =>
    finding(kind === "replica" ? "replica" : "reachability", "error", message)
  );
  if (problems.length > 0) return problems;
  const facts = [version === undefined ? "" : `version ${version}`, role ?? ""].filter((fact) => fact !== "");
  return [finding("reachability", "ok", `${place} answers${facts.length === 0 ? "" : ` (${facts.join(", ")})`}`)];
};
