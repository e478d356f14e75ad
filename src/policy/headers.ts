/**
 * A decision as HTTP headers: `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11, and
 * `Retry-After` of RFC 9110. Seconds appear where headers are made, and nowhere else in TypeScript.
 *
 * @module
 */

import { algorithmOf } from "../algorithms/mod.ts";
import type { LimitStatus } from "./status.ts";

/** What headers tell about. */
export interface HeaderFacts {
  /** Every limit of the decision. */
  readonly limits: readonly LimitStatus[];
  /** Whether it was allowed. */
  readonly allowed: boolean;
  /** What stood in the way. */
  readonly reason: string | undefined;
  /** The units that were asked for. */
  readonly cost: number;
  /** How long until it could be allowed, in milliseconds. */
  readonly retryAfterMs: number;
  /** Whether the store decided. */
  readonly degraded: boolean;
}

/** Headers for an answer. Every number is rounded so that a client that obeys it is never too early. */
export function decisionHeaders(facts: HeaderFacts): Record<string, string> {
  const headers: Record<string, string> = { "RateLimit-Policy": policyField(facts) };
  if (isMeasured(facts)) headers["RateLimit"] = limitField(facts);
  if (!facts.allowed) headers["Retry-After"] = String(seconds(facts.retryAfterMs));
  return headers;
}

/** The value of `RateLimit-Policy`, a list of structured fields. `names` are those of `quotedNames`. */
export function policyField({ limits }: HeaderFacts, names: readonly string[] = quotedNames(limits)): string {
  return names.map((name, i) => {
    const { limit, windowMs } = limits[i] as LimitStatus;
    return name +
      (windowMs === undefined ? `;q=${limit};qu="concurrent-requests"` : `;q=${limit};w=${seconds(windowMs)}`);
  }).join(", ");
}

/** The value of `RateLimit`, such a list too. `names` are those of `quotedNames`. */
export function limitField(facts: HeaderFacts, names: readonly string[] = quotedNames(facts.limits)): string {
  const { limits } = facts;
  let field = "";
  for (let i = 0; i < names.length; i++) {
    field += `${i === 0 ? "" : ", "}${limitItem(names[i] as string, available(limits[i] as LimitStatus, facts))}`;
  }
  return field;
}

/** The item of one limit in `RateLimit`. */
export function limitItem(name: string, { remaining, forSeconds }: Available): string {
  return `${name};r=${remaining};t=${forSeconds}`;
}

/** Whether the call was counted. A failure policy that only allows or denies says nothing about what is left. */
export function isMeasured({ limits, allowed, reason, degraded }: HeaderFacts): boolean {
  if (reason === "store") return false;
  return !(degraded && allowed && limits.every(({ limit, remaining }) => remaining === limit));
}

/**
 * A name for each limit: the limiter's id, numbered where it has several, in printable ASCII, no two the same.
 *
 * @param limits The limits of one decision.
 */
export function policyNames(limits: readonly LimitStatus[]): string[] {
  if (limits.length === 1) return [printable((limits[0] as LimitStatus).limiter)];
  const names = new Set<string>();
  for (const { limiter } of limits) {
    const base = printable(limiter);
    let name = base;
    for (let place = 2; names.has(name); place++) name = `${base}-${place}`;
    names.add(name);
  }
  return [...names];
}

/** Milliseconds as whole seconds, from 1, rounded up. */
export function seconds(ms: number): number {
  return Math.max(Math.ceil(ms / 1_000), 1);
}

/** The names of limits as strings of structured fields (RFC 9651), one for each limit. */
export function quotedNames(limits: readonly LimitStatus[]): string[] {
  return policyNames(limits).map((name) => `"${/["\\]/.test(name) ? name.replace(/["\\]/g, "\\$&") : name}"`);
}

function printable(text: string): string {
  return /[^\x20-\x7e]/.test(text) ? text.replace(/[^\x20-\x7e]/g, "?") : text;
}

/** What a client can have of a limit. */
export interface Available {
  /** Units. */
  readonly remaining: number;
  /** How long there are no more than that, in whole seconds. */
  readonly forSeconds: number;
}

/** What a client can have of a limit after a decision. */
export function available(limit: LimitStatus, { allowed, reason, cost, retryAfterMs }: HeaderFacts): Available {
  const { remaining, resetAfterMs } = limit;
  if (reason === "blocked") return { remaining: 0, forSeconds: seconds(retryAfterMs) };
  if (!allowed && remaining < cost) return { remaining, forSeconds: seconds(retryAfterMs) };
  return { remaining, forSeconds: seconds(remaining === 0 ? nextUnitMs(limit) : resetAfterMs) };
}

/** When an empty limit has a unit again. */
function nextUnitMs({ algorithm, limit, windowMs, resetAfterMs }: LimitStatus): number {
  if (algorithm === "concurrency" || windowMs === undefined) return resetAfterMs;
  return algorithmOf(algorithm).nextUnitMs(limit, { windowMs, resetAfterMs });
}
