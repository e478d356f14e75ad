/**
 * Tables and functions that were dropped while the store uses them.
 *
 * @module
 */

import { RateSyncError, StoreError } from "../../base/errors.ts";

/** The codes of a missing schema, table and function. */
const MISSING: ReadonlySet<unknown> = new Set(["3F000", "42P01", "42883"]);

/** What such an error means to a store that makes its tables; undefined for any other error. */
export function goneError(error: unknown): StoreError | undefined {
  const code = error instanceof RateSyncError ? (error.cause as { code?: unknown } | undefined)?.code : undefined;
  if (!MISSING.has(code)) return undefined;
  const what = `A table or a function of the store is gone (${code})`;
  const message = `${what}: the next call makes it again, and limits begin anew`;
  return new StoreError("STORE_REFUSED", message, { cause: error, reason: "schema_missing" });
}
