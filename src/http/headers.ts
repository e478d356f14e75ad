/**
 * A decision as response headers, in the dialect that clients know.
 *
 * @module
 */

import type { Decision } from "../limiter/decision.ts";
import { isMeasured, limitField, policyField, policyNames, seconds } from "../policy/headers.ts";
import type { LimitStatus } from "../policy/status.ts";

/**
 * How headers tell what is left.
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

/** A header's name and value. */
export type HeaderPair = readonly [name: string, value: string];

/**
 * Headers with what is left. For a decision that no store has measured, only the policy.
 *
 * @param decision The decision.
 * @param dialect How they tell it.
 * @param nowMs The present, in milliseconds since the Unix epoch.
 */
export function rateLimitHeaders(decision: Decision, dialect: HeaderDialect, nowMs: number): HeaderPair[] {
  if (dialect === "draft-11") {
    const policy: HeaderPair = ["RateLimit-Policy", policyField(decision)];
    return isMeasured(decision) ? [policy, ["RateLimit", limitField(decision)]] : [policy];
  }
  const tightest = tightestOf(decision.limits);
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

/** What can be sent as a header's value: printable ASCII, so that nothing begins a line of its own. */
export function headerValue(value: unknown): string {
  return String(value).replace(/[^\x20-\x7e]/g, "?").trim();
}

/** Whether a text can be a header's name. */
export function isHeaderName(name: string): boolean {
  return /^[!#$%&'*+.^_`|~\w-]+$/.test(name);
}

/** Where headers are set: a `Headers`, or what is made of another response. */
export interface HeaderTarget {
  /** The value that is there, if one is. */
  get(name: string): string | null | undefined;
  /** Sets a value in place of what is there. */
  set(name: string, value: string): void;
}

/** The header that lets scripts of other origins read the headers that it lists. */
export const EXPOSED = "Access-Control-Expose-Headers";

/** How a value joins the one that is there, in headers to which several guards, or the application, add. */
const JOINED: Readonly<Record<string, (before: string, value: string) => string>> = {
  "RateLimit": joinItems,
  "RateLimit-Policy": joinItems,
  [EXPOSED]: joinNames,
};

/**
 * Sets headers on an answer. What another guard has said in a list stays; of two items with the same name one stays, so that
 * nothing piles up on an answer that is sent again.
 */
export function setHeaders(headers: readonly HeaderPair[], target: HeaderTarget): void {
  for (const [name, value] of headers) {
    const join = JOINED[name];
    const before = join === undefined ? undefined : target.get(name);
    target.set(name, join === undefined || !before ? value : join(before, value));
  }
}

/** What stands between commas: quoted text is one piece, whatever is in it. */
const ITEMS = /(?:"(?:[^"\\]|\\.)*"|[^",])+/g;

/**
 * Lists of structured fields. Of two items with the same name, the one with less left stays: it is what the next request
 * meets, whichever guard sets its headers last.
 */
function joinItems(before: string, value: string): string {
  const items = new Map(itemsOf(before).map((item) => [nameOf(item), item]));
  const isDictionary = items.has("remaining"); // of draft 7, which has room for one limit
  for (const item of itemsOf(value)) {
    const there = items.get(nameOf(item));
    if (isDictionary && nameOf(item) === "remaining" && leftOf(there) < leftOf(item)) return before;
    if (there === undefined || !(leftOf(there) < leftOf(item))) items.set(nameOf(item), item);
  }
  return isDictionary ? value : [...items.values()].join(", ");
}

/** `9` of `"api";r=9;t=60` and of `remaining=9`. */
function leftOf(item = ""): number {
  return Number(/(?:;\s*r|^remaining)=(\d+)/.exec(item)?.[1]);
}

function itemsOf(list: string): string[] {
  return Array.from(list.matchAll(ITEMS), ([item]) => item.trim()).filter((item) => item !== "");
}

/** `"api"` of `"api";r=9`, `limit` of `limit=10`. */
function nameOf(item: string): string {
  return /^(?:"(?:[^"\\]|\\.)*"|[^;=]*)/.exec(item)?.[0] ?? "";
}

/** Lists of names: those that are not there yet are added, nothing to a list that names all. */
function joinNames(before: string, value: string): string {
  const there = new Set(before.split(",").map((name) => name.trim().toLowerCase()));
  if (there.has("*")) return before;
  return [before, ...value.split(", ").filter((name) => !there.has(name.toLowerCase()))].join(", ");
}

/** The limit with the least left; a rate rather than slots, which come and go. */
function tightestOf(limits: readonly LimitStatus[]): LimitStatus | undefined {
  const rates = limits.filter(({ windowMs }) => windowMs !== undefined);
  return (rates.length === 0 ? limits : rates).reduce<LimitStatus | undefined>((tightest, status) => {
    if (tightest === undefined || status.remaining < tightest.remaining) return status;
    return status.remaining === tightest.remaining && status.resetAfterMs > tightest.resetAfterMs ? status : tightest;
  }, undefined);
}

function windows(limits: readonly LimitStatus[]): string {
  return limits.map(({ limit, windowMs }) => windowMs === undefined ? `${limit}` : `${limit};w=${seconds(windowMs)}`)
    .join(", ");
}

function triple(prefix: string, limit: number, remaining: number, reset: number): HeaderPair[] {
  return [[`${prefix}-Limit`, `${limit}`], [`${prefix}-Remaining`, `${remaining}`], [`${prefix}-Reset`, `${reset}`]];
}
