/**
 * Which errors say that the store could not decide.
 *
 * @module
 */

import { RateSyncError, type StoreError } from "../base/errors.ts";

/** Whether something went wrong in the store, not in the caller. */
export function isStoreError(error: unknown): error is StoreError {
  return RateSyncError.is(error) && error.code.startsWith("STORE_") && error.code !== "STORE_NOT_FOUND";
}

/**
 * Whether an error says that the store, and not only the request, is in trouble. A queue that is full is none: those in it
 * are served. A value that cannot be read is none: the store decides for other keys.
 */
export function isOutage({ code, reason, isOfKey }: StoreError): boolean {
  if (code === "STORE_OVERLOADED" || isOfKey) return false;
  return code !== "STORE_REFUSED" || reason !== undefined;
}

/** Whether a store was closed under a call. */
export function isClosed(error: unknown): boolean {
  return RateSyncError.is(error) && error.code === "CLOSED";
}
