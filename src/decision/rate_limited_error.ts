/**
 * What `acquire` throws where it cannot be served in time.
 *
 * @module
 */

import { nameError, RateSyncError } from "../base/errors.ts";
import type { Decision } from "./decision.ts";

/**
 * `acquire` cannot be served before its deadline. For a rate it rejects as soon as that is known; for a permit, which may
 * be released at any time, at the deadline.
 */
export class RateLimitedError extends RateSyncError {
  static {
    nameError(this, "RateLimitedError");
  }

  /** The denial, with its reason. */
  readonly decision: Decision;

  /**
   * Builds the message from the denial.
   *
   * @param decision The denial.
   * @param options The standard error options.
   */
  constructor(decision: Decision, options?: ErrorOptions) {
    const why = decision.reason === "store"
      ? "its store could not be asked"
      : `it has ${decision.remaining} of ${decision.limit} left, try again in ${Math.ceil(decision.retryAfterMs)} ms`;
    super(
      "RATE_LIMITED",
      `Cannot take ${decision.cost} from limiter ${JSON.stringify(decision.limiter)}: ${why}`,
      options,
    );
    this.decision = decision;
  }

  /** How long until the same call would be allowed, with no other traffic, in milliseconds. */
  get retryAfterMs(): number {
    return this.decision.retryAfterMs;
  }
}
