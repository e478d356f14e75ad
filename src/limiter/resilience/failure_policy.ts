/**
 * What is decided where the store cannot decide. Loaded with the first store that is used.
 *
 * @module
 */

import { StoreError } from "../../base/errors.ts";
import type { StoreErrorPolicy } from "../../policy/options.ts";
import type { Target } from "../../stores/store.ts";
import { Decision } from "../result/decision.ts";
import type { Party } from "../party.ts";

const STRICTNESS: readonly StoreErrorPolicy[] = ["allow", "local", "deny", "throw"];

/** Tells everybody of a failure, and what to do about it: over several limiters, what the strictest of them says. */
export function failurePolicy(parties: readonly Party[], error: StoreError): "local" | "allow" | "deny" {
  let strictest: StoreErrorPolicy = "allow";
  for (const { metrics, events, limiter, policy: { onStoreError } } of parties) {
    metrics.storeFailed();
    if (events.any) events.emit({ type: "store_error", limiter, error });
    if (STRICTNESS.indexOf(onStoreError) > STRICTNESS.indexOf(strictest)) strictest = onStoreError;
  }
  // Many callers may have failed by the same error object, so each is thrown an error with a stack trace of its own.
  if (strictest === "throw") throw new StoreError(error.code, error.message, { cause: error, reason: error.reason });
  return strictest;
}

/** Makes a decision that no store made. It knows nothing about what is left. */
export function storelessDecision(targets: readonly Target[], allowed: boolean, grants: boolean): Decision {
  const { limiter, key, cost } = targets[0] ?? { limiter: "", key: undefined, cost: 0 };
  const levels = targets.map(() => ({ rates: [], slots: undefined }));
  const outcome = { status: allowed ? "allowed" : "store", waitUs: 0, levels } as const;
  return new Decision(limiter, key, cost, targets, outcome, grants, true);
}
