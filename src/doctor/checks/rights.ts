/**
 * Whether this user may do what the limiters need.
 *
 * @module
 */

import { finding, type Judge } from "../finding.ts";

/** Judges the rights of the user. */
export const rights: Judge = ({ check, limiters }) => {
  const refused = check.problems.filter(({ kind }) => kind === "permission");
  if (refused.length > 0) {
    const page = check.engine === "redis" ? "docs/redis/permissions.md" : `docs/${check.engine}.md`;
    const advice = `Grant what ${page} lists`;
    return refused.map(({ message }) => finding("rights", "error", message, advice));
  }
  if (check.canRunScripts !== true) return [];
  if (check.engine !== "redis") return [finding("rights", "ok", "this user may do what decisions need")];
  const whose = limiters.length === 0 ? "the scripts" : `the scripts of ${countOf(limiters.length, "limiter")}`;
  return [finding("rights", "ok", `this user may run ${whose}, and each command in them`)];
};

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
