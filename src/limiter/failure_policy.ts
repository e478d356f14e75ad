/**
 * What is decided where the store cannot decide.
 *
 * @module
 */

import { StoreError } from "../base/errors.ts";
import type { StoreErrorPolicy } from "../policy/options.ts";
import type { Outcome } from "../decision/outcome.ts";
import type { LimiterTarget } from "./target.ts";

const STRICTNESS: readonly StoreErrorPolicy[] = ["allow", "local", "deny", "throw"];

/** Counts a failure, and tells what to do about it: over several limiters, what the strictest of them says. */
export function failurePolicy(targets: readonly LimiterTarget[], error: StoreError): "local" | "allow" | "deny" {
  let strictest: StoreErrorPolicy = "allow";
  for (const { recorder, policy: { onStoreError } } of targets) {
    recorder.storeFailed(error);
    if (STRICTNESS.indexOf(onStoreError) > STRICTNESS.indexOf(strictest)) strictest = onStoreError;
  }
  // Many callers may have failed by the same error object, so each is thrown an error with a stack trace of its own.
  if (strictest === "throw") {
    for (const { recorder } of targets) recorder.failed();
    throw new StoreError(error.code, error.message, { cause: error, reason: error.reason, isOfKey: error.isOfKey });
  }
  return strictest;
}

/** What became of a call that no store has decided. It knows nothing about what is left. */
export function storeless(targets: readonly LimiterTarget[], allowed: boolean): Outcome {
  const levels = targets.map(() => ({ rates: [], permits: undefined }));
  return { status: allowed ? "allowed" : "store", waitUs: 0, levels };
}
