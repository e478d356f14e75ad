/**
 * What the processes that use the store say.
 *
 * @module
 */

import { show } from "../../base/text.ts";
import { type Finding, finding, type Judge } from "../finding.ts";

/** Judges the reports of processes. */
export const fleet: Judge = ({ fleet: { stores }, store }) => {
  const seen = stores.find(({ id }) => id === store);
  if (seen === undefined) return [];
  if (seen.problem !== undefined) {
    return [finding("processes", "note", `what processes do cannot be seen: ${seen.problem}`)];
  }
  const { processes, unreadable } = seen;
  const findings: Finding[] = [];
  const troubled = processes.filter(({ state }) => state !== "up" && state !== "");
  for (const { label, state, error } of troubled) {
    const detail = `for process ${show(label)} the store is ${show(state)}${error === "" ? "" : ` (${show(error)})`}`;
    findings.push(finding("processes", "warning", detail, "Look at the network between that process and the store"));
  }
  const versions = [...new Set(processes.map(({ version }) => version))];
  if (versions.length > 1) {
    findings.push(
      finding(
        "processes",
        "note",
        `several versions of this package: ${versions.map((each) => show(each)).join(", ")}`,
      ),
    );
  }
  if (unreadable > 0) {
    const detail = `${unreadable} reports of processes cannot be read: they may be of another version of this package`;
    findings.push(finding("processes", "note", detail));
  }
  if (troubled.length > 0) return findings;
  const count = processes.length === 0
    ? "none has made a call within the last seconds"
    : `${processes.length === 1 ? "1 process reports" : `${processes.length} processes report`}: ${
      processes.slice(0, 5).map(({ label }) => show(label)).join(", ")
    }${processes.length > 5 ? " ..." : ""}`;
  return [finding("processes", "ok", count), ...findings];
};
