/**
 * Whether the store has room, and what it does when it has none left.
 *
 * @module
 */

import type { StoreCheck } from "../../stores/check.ts";
import { type Finding, finding, type Judge } from "../finding.ts";

/** Judges memory and eviction. */
export const memory: Judge = ({ check, inspection }) => {
  const { memoryUsedBytes: used, memoryLimitBytes: limit, evictionPolicy } = check;
  const findings = check.problems.flatMap(({ kind, message, stopsDecisions }): Finding[] =>
    kind === "memory" || kind === "eviction" ? [finding(kind, stopsDecisions ? "error" : "warning", message)] : []
  );
  const has = (what: string) => findings.some((found) => found.what === what);
  if (used !== undefined && !has("memory")) findings.push(room(check));
  if (evictionPolicy !== undefined && !has("eviction")) findings.push(eviction(evictionPolicy, limit));
  const evicted = (inspection?.servers ?? []).reduce((sum, { evictedKeys = 0 }) => sum + evictedKeys, 0);
  if (evicted > 0) {
    const detail =
      `${evicted} keys were evicted since the server started: limits whose keys are gone have started anew`;
    findings.push(finding("eviction", "warning", detail, "Raise maxmemory, or give the limits a server of their own"));
  }
  return findings;
};

/** What bounds the memory of an engine, or its storage, and how to set it. */
const LIMITS: Readonly<Record<string, { readonly name: string; readonly advice: string }>> = {
  redis: { name: "maxmemory", advice: "Set maxmemory, so that the server cannot take the machine's memory" },
  nats: {
    name: "limit of JetStream for this account",
    advice:
      "Set max_mem and max_file of JetStream, or limits of the account, so that the server cannot fill the machine",
  },
};

function room(
  { engine, memoryUsedBytes: used = 0, memoryLimitBytes: limit, memoryHeadroom: headroom }: StoreCheck,
): Finding {
  if (limit === Infinity) {
    const { name, advice } = LIMITS[engine] ?? { name: "limit", advice: undefined };
    return finding("memory", "note", `${bytes(used)} in use, and there is no ${name}`, advice);
  }
  const left = headroom === undefined ? "" : `, ${Math.round(headroom * 100)} % of ${bytes(limit ?? 0)} left`;
  return finding("memory", "ok", `${bytes(used)} in use${left}`);
}

function eviction(policy: string, limit: number | undefined): Finding {
  const isHarmless = policy.includes("noeviction") || policy.includes("volatile-ttl") || limit === Infinity;
  if (isHarmless) return finding("eviction", "ok", policy);
  const advice = "Set maxmemory-policy to noeviction, or to volatile-ttl where a cache shares the server";
  return finding("eviction", "note", `with ${policy}, a long block or quota may be forgotten first`, advice);
}

function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), units.length - 1);
  return `${(count / 1_000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
