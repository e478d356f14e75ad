/**
 * A decision as HTTP headers: `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11, and
 * `Retry-After` of RFC 9110. Seconds appear here and nowhere else in TypeScript.
 *
 * @module
 */

import type { LimitStatus } from "./status.ts";

/** What headers tell about. */
export interface HeaderFacts {
  /** Every limit of the decision. */
  readonly limits: readonly LimitStatus[];
  /** Whether it was allowed. */
  readonly allowed: boolean;
  /** How long until it could be allowed, in milliseconds. */
  readonly retryAfterMs: number;
}

/** Headers for an answer. Every number is rounded so that a client that obeys it is never too early. */
export function decisionHeaders({ limits, allowed, retryAfterMs }: HeaderFacts): Record<string, string> {
  const names = policyNames(limits);
  const rates = limits.map((limit, i) => ({ ...limit, name: names[i] as string }));
  const headers: Record<string, string> = {
    "RateLimit-Policy": rates.map(({ name, limit, windowMs }) =>
      windowMs === undefined
        ? `${name};q=${limit};qu="concurrent-requests"`
        : `${name};q=${limit};w=${seconds(windowMs)}`
    ).join(", "),
    RateLimit: rates.map(({ name, remaining, resetAfterMs }) => `${name};r=${remaining};t=${seconds(resetAfterMs)}`)
      .join(", "),
  };
  if (!allowed) headers["Retry-After"] = String(seconds(retryAfterMs));
  return headers;
}

/** A name for each limit, as a structured-field string (RFC 8941): the limiter's id, numbered where it has several. */
function policyNames(limits: readonly LimitStatus[]): string[] {
  return limits.map(({ limiter }, i) => {
    const place = limits.slice(0, i).filter((other) => other.limiter === limiter).length;
    const name = limiter.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, "\\$&");
    return place === 0 ? `"${name}"` : `"${name}-${place + 1}"`;
  });
}

function seconds(ms: number): number {
  return Math.max(Math.ceil(ms / 1_000), 1);
}
