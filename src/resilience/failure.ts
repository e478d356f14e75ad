/**
 * Which errors say that the store could not decide.
 *
 * @module
 */

import { RateSyncError, type StoreError } from "../base/errors.ts";
import { isPermanent } from "../base/permanent.ts";
import type { StoreErrorReason } from "../base/store_error_reasons.ts";

/** There is no connection, or the server wants no calls for some time. */
const DOWN: ReadonlySet<StoreErrorReason | undefined> = new Set<StoreErrorReason>([
  "connection_refused",
  "host_unknown",
  "connect_timeout",
  "tls",
  "disconnected",
  "too_many_requests",
]);

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

/** Whether one such error is enough to give the store up: it is known to be down, or no waiting heals it. */
export function isDown({ reason }: StoreError): boolean {
  return DOWN.has(reason) || isPermanent(reason);
}

/** Whether a store was closed under a call. */
export function isClosed(error: unknown): boolean {
  return RateSyncError.is(error) && error.code === "CLOSED";
}
