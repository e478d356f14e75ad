/**
 * Whether the keys of the store are as they should be.
 *
 * @module
 */

import { show } from "../../base/text.ts";
import { type Finding, finding, type Judge } from "../finding.ts";

/** How many names are shown. */
const SHOWN = 3;

/** Judges a sample of the keys. */
export const keys: Judge = ({ inspection }) => {
  const sample = inspection?.keys;
  if (sample === undefined) return [];
  const { count, isAll, endless, earlier, foreign, limiters } = sample;
  const looked = isAll ? `all ${count} keys` : `${count} keys of more`;
  const findings: Finding[] = [];
  if (endless.length > 0) {
    const detail = `${endless.length} of ${looked} never expire: ${list(endless)}`;
    const advice =
      "This package gives each key a time to live: find what else writes under this prefix, or has removed it";
    findings.push(finding("keys", "warning", detail, advice));
  }
  if (foreign.length > 0) {
    const detail = `${foreign.length} of ${looked} hold what this package does not write: ${list(foreign)}`;
    findings.push(finding("keys", "warning", detail, "Give the store a keyPrefix of its own, or delete these keys"));
  }
  if (earlier.length > 0) {
    const detail = `${earlier.length} of ${looked} are in the form of an earlier version: ${list(earlier)}`;
    findings.push(finding("old state", "note", `${detail}. They are read, and written anew when they change`));
  }
  if (limiters.length > 0) {
    const detail = `keys of limiters that the configuration does not have: ${list(limiters)}`;
    findings.push(finding("keys", "note", `${detail}. They expire by themselves`));
  }
  if (endless.length + foreign.length === 0) {
    findings.unshift(finding("keys", "ok", count === 0 ? "none yet" : `${looked} expire by themselves`));
  }
  return findings;
};

function list(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).map((name) => show(name)).join(", ");
  return names.length > SHOWN ? `${shown} and ${names.length - SHOWN} more` : shown;
}
