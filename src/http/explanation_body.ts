/**
 * The explanation of a denial that a client may see: nothing about keys, other clients, or stores.
 *
 * @module
 */

import type { Decision } from "../decision/decision.ts";

/** What is said of a limit, and of what would change a denial. */
const LIMIT = ["rule", "limit", "used", "remaining", "denies", "deniesForMs", "free"] as const;
const CHANGES: ReadonlySet<string> = new Set(["wait", "lower_cost"]);

/** The member `explanation` of a problem. */
export function explanationBody(decision: Decision): Record<string, unknown> {
  const { summary, retryAfterMs, deniedBy, limiters, changes, source } = decision.explain();
  return {
    // Without a decision of a store, it names the store.
    ...(source === "failure_policy" ? {} : { summary }),
    retryAfterMs,
    ...(deniedBy === undefined ? {} : { limiter: deniedBy.limiter, limit: deniedBy.limit, rule: deniedBy.rule }),
    limits: limiters.flatMap(({ limiter, limits }) =>
      limits.map((limit) => ({ limiter, ...Object.fromEntries(LIMIT.map((name) => [name, limit[name]])) }))
    ),
    changes: changes.filter(({ kind }) => CHANGES.has(kind)).map(({ kind, afterMs, units, text }) => {
      return { kind, afterMs, units, text };
    }),
  };
}
