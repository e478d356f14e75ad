/**
 * The error of one request of a batch, which a script reports in the place of its reply.
 *
 * @module
 */

import { StoreError } from "../../base/errors.ts";
import { refusalReason, withAdvice } from "./refusal.ts";

/** What scripts say of an entry whose key has to do with other rules. Nothing was written. */
export const OTHER_RULES = "RULES";

/** Stands for an entry that has to be asked for again by the script that knows other rules. */
export const otherRules: StoreError = new StoreError("STORE_REFUSED", "The key has to do with other rules");

/** Makes the error from what the server said. Without a `reason` it is about this request alone. */
export function refusedByScript(text: string): StoreError {
  if (text === OTHER_RULES) return otherRules;
  const reason = refusalReason(text);
  const message = `Redis refused the request: ${withAdvice(text, reason)}`;
  return new StoreError("STORE_REFUSED", message, { reason, isOfKey: reason === "foreign_state" });
}
