/**
 * A decision as response headers, in the dialect that clients know.
 *
 * @module
 */

import type { Decision } from "../decision/decision.ts";
import { isMeasured, policyNames, seconds } from "../policy/headers.ts";
import { type LimitStatus, tightestOf } from "../policy/status.ts";
import { DraftHeaders } from "./draft_headers.ts";
import type { HeaderPair } from "./header_pair.ts";

/**
 * A dialect of rate limit headers.
 *
 * - `draft-11`: `RateLimit: "api";r=9;t=10` and `RateLimit-Policy: "api";q=10;w=10`, each limit listed
 * - `draft-7`: `RateLimit: limit=10, remaining=9, reset=10`, of the tightest limit, as all that follow
 * - `draft-6`: `RateLimit-Limit: 10`, `RateLimit-Remaining: 9`, `RateLimit-Reset: 10`
 * - `x-ratelimit`: `X-RateLimit-Limit` and `-Remaining`, and `X-RateLimit-Reset` as seconds since 1970
 * - `x-ratelimit-delta`: the same, `X-RateLimit-Reset` as seconds from now
 * - `x-ratelimit-ms`: the same, `X-RateLimit-Reset` as milliseconds since 1970
 */
export type HeaderDialect = "draft-11" | "draft-7" | "draft-6" | "x-ratelimit" | "x-ratelimit-delta" | "x-ratelimit-ms";

/** Every dialect. */
export const DIALECTS: readonly HeaderDialect[] = [
  "draft-11",
  "draft-7",
  "draft-6",
  "x-ratelimit",
  "x-ratelimit-delta",
  "x-ratelimit-ms",
];

/**
 * The headers of a decision. Where no store has counted, only the policy.
 *
 * @param decision The decision.
 * @param dialect The dialect.
 * @param nowMs The present, in milliseconds since the Unix epoch.
 */
export function rateLimitHeaders(decision: Decision, dialect: HeaderDialect, nowMs: number): readonly HeaderPair[] {
  if (dialect === "draft-11") return new DraftHeaders().of(decision);
  const { limits } = decision;
  // Rather a rate than permits, which are soon released.
  const rates = limits.filter(({ windowMs }) => windowMs !== undefined);
  const tightest = tightestOf(rates.length === 0 ? limits : rates);
  if (tightest === undefined) return [];
  const { limit, remaining, resetAfterMs } = tightest;
  const left = decision.reason === "blocked" ? 0 : remaining;
  const resetMs = Math.max(resetAfterMs, decision.retryAfterMs);
  const reset = seconds(resetMs);
  const policy: HeaderPair[] = [["RateLimit-Policy", windows(decision.limits)]];
  if (!isMeasured(decision)) return dialect === "draft-7" || dialect === "draft-6" ? policy : [];
  switch (dialect) {
    case "draft-7":
      return [...policy, ["RateLimit", `limit=${limit}, remaining=${left}, reset=${reset}`]];
    case "draft-6":
      return [...policy, ...triple("RateLimit", limit, left, reset)];
    case "x-ratelimit":
      return triple("X-RateLimit", limit, left, Math.ceil((nowMs + resetMs) / 1_000));
    case "x-ratelimit-delta":
      return triple("X-RateLimit", limit, left, reset);
    case "x-ratelimit-ms":
      return triple("X-RateLimit", limit, left, Math.ceil(nowMs + resetMs));
  }
}

/** The names of the headers that dialects set, each once. */
export function headerNames(dialects: readonly HeaderDialect[]): string[] {
  const names = dialects.flatMap((dialect) => {
    if (dialect === "draft-11" || dialect === "draft-7") return ["RateLimit-Policy", "RateLimit"];
    const prefix = dialect === "draft-6" ? "RateLimit" : "X-RateLimit";
    const three = triple(prefix, 0, 0, 0).map(([name]) => name);
    return dialect === "draft-6" ? ["RateLimit-Policy", ...three] : three;
  });
  return [...new Set(names)];
}

/** The names of the limits that a denied call did not fit in, as headers name them. */
export function violatedPolicies({ limits, cost, reason }: Decision): string[] {
  if (reason !== "rate" && reason !== "concurrency" && reason !== "queue_full") return [];
  const names = policyNames(limits);
  return names.filter((_, i) => {
    const { algorithm, remaining } = limits[i] as LimitStatus;
    return remaining < (algorithm === "concurrency" && limits.length > 1 ? 1 : cost);
  });
}

function windows(limits: readonly LimitStatus[]): string {
  return limits.map(({ limit, windowMs }) => windowMs === undefined ? `${limit}` : `${limit};w=${seconds(windowMs)}`)
    .join(", ");
}

function triple(prefix: string, limit: number, remaining: number, reset: number): HeaderPair[] {
  return [[`${prefix}-Limit`, `${limit}`], [`${prefix}-Remaining`, `${remaining}`], [`${prefix}-Reset`, `${reset}`]];
}
