/**
 * What happens when the store cannot decide.
 *
 * @module
 */

import { RateSyncError, type StoreError } from "../base/errors.ts";
import type { StoreErrorPolicy } from "../policy/options.ts";
import type { Target } from "../stores/store.ts";

const STRICTNESS: readonly StoreErrorPolicy[] = ["allow", "local", "deny", "throw"];

/** Whether something went wrong in the store, not in the caller. */
export function isStoreError(error: unknown): error is StoreError {
  return RateSyncError.is(error) && error.code.startsWith("STORE_") && error.code !== "STORE_NOT_FOUND";
}

/**
 * Whether an error says that the store, and not only the request, is in trouble. A queue that is full is none: those in it
 * are served.
 */
export function isOutage({ code, reason }: StoreError): boolean {
  if (code === "STORE_OVERLOADED") return false;
  return code !== "STORE_REFUSED" || reason !== undefined;
}

/** Whether a store was closed under a call. */
export function isClosed(error: unknown): boolean {
  return RateSyncError.is(error) && error.code === "CLOSED";
}

/** The policy for a decision over several limiters: the strictest of theirs. */
export function strictest(targets: readonly Target[]): StoreErrorPolicy {
  return targets.reduce<StoreErrorPolicy>((strict, { policy }) => {
    return STRICTNESS.indexOf(policy.onStoreError) > STRICTNESS.indexOf(strict) ? policy.onStoreError : strict;
  }, "allow");
}
