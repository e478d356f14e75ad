/**
 * The error of one request of a batch, which a script reports in the place of its reply.
 *
 * @module
 */

import { StoreError } from "../../base/errors.ts";
import { refusalReason, withAdvice } from "./refusal.ts";

/** Makes the error from what the server said. Without a `reason` it is about this request alone. */
export function refusedByScript(text: string): StoreError {
  const reason = refusalReason(text);
  return new StoreError("STORE_REFUSED", `Redis refused the request: ${withAdvice(text, reason)}`, { reason });
}
