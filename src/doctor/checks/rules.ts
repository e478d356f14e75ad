/**
 * Whether all processes have the same rules for each limiter, and those of the configuration.
 *
 * @module
 */

import { show } from "../../base/text.ts";
import type { FleetRules } from "../../fleet/fleet.ts";
import { wordsOf } from "../../policy/words.ts";
import { type ExaminedStore, type Finding, finding, type Judge } from "../finding.ts";

/** Who uses some rules, by the rules in words. */
type Users = ReadonlyMap<string, string>;

/** Judges the rules of each limiter, by the registers in the store and by what processes report. */
export const rules: Judge = (examined) => {
  const known = new Map(examined.limiters.map(({ limiter, policy }) => [limiter, wordsOf(policy)] as const));
  const reported = examined.fleet.limiters.filter(({ store }) => store === examined.store);
  const ids = new Set([...known.keys(), ...reported.map(({ id }) => id)]);
  const findings: Finding[] = [];
  let isUsed = false;
  for (const id of ids) {
    const options = reported.find((limiter) => limiter.id === id)?.rules ?? [];
    const users = usersOf(id, examined, options);
    isUsed ||= users.size > 0;
    findings.push(...judge(show(id), known.get(id), users, options));
  }
  if (findings.some(({ level }) => level !== "note") || known.size === 0) return findings;
  const detail = isUsed
    ? "all processes have the rules of the configuration"
    : "no process uses a limiter of the configuration now";
  return [finding("rules", "ok", detail), ...findings];
};

function usersOf(id: string, { inspection }: ExaminedStore, options: readonly FleetRules[]): Users {
  const users = new Map<string, string>();
  for (const { limiter, rules: words, processes, seenAgoMs } of inspection?.rules ?? []) {
    const seen = `seen ${Math.round(seenAgoMs / 1_000)} s ago`;
    if (limiter === id) users.set(words, `${processes === 1 ? "a process" : `about ${processes} processes`}, ${seen}`);
  }
  const named = new Map<string, string[]>();
  for (const { rules: words, processes } of options) named.set(words, [...named.get(words) ?? [], ...processes]);
  for (const [words, processes] of named) users.set(words, labels(processes));
  return users;
}

function judge(id: string, own: string | undefined, users: Users, options: readonly FleetRules[]): Finding[] {
  const shown = [...users].map(([words, who]) => `${words} (${who})`).join(" and ");
  if (users.size > 1) {
    const detail = `limiter ${id} has different rules in different processes: ${shown}`;
    const advice = "If this is no deploy, give all processes the same configuration";
    return [finding("rules", "error", detail, advice)];
  }
  const [[only] = [own]] = users;
  if (own === undefined) {
    return [finding("rules", "note", `limiter ${id} is not in this configuration, and processes use it: ${shown}`)];
  }
  if (only !== own) {
    const detail = `limiter ${id} is ${shown} in the processes, and ${own} in this configuration`;
    return [finding("rules", "warning", detail, "Deploy the configuration, or look at the one that is deployed")];
  }
  if (options.length < 2) return [];
  const who = options.map(({ hash, processes }) => `${hash} (${labels(processes)})`).join(" and ");
  const detail = `limiter ${id} counts the same everywhere, but other options differ: ${who}`;
  return [finding("rules", "note", detail, "Compare options such as timeoutMs and onStoreError of these processes")];
}

function labels(processes: readonly string[]): string {
  const shown = processes.slice(0, 3).map((label) => show(label)).join(", ");
  return processes.length > 3 ? `${shown} and ${processes.length - 3} more` : shown;
}
