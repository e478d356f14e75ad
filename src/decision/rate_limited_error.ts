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
    const { cost, limiter } = decision;
    super(
      "RATE_LIMITED",
      `Cannot take ${cost} from limiter ${JSON.stringify(limiter)}: ${reasonOf(decision)}`,
      options,
    );
    this.decision = decision;
  }

  /** How long until the same call would be allowed, with no other traffic, in milliseconds. */
  get retryAfterMs(): number {
    return this.decision.retryAfterMs;
  }
}

function reasonOf({ reason, remaining, limit, retryAfterMs }: Decision): string {
  if (reason === "store") return "its store could not be asked";
  if (reason === "queue_full") return "as many calls wait as its maxWaiters allows";
  const wait = `try again in ${Math.ceil(retryAfterMs)} ms`;
  return reason === "blocked" ? `its key is blocked, ${wait}` : `it has ${remaining} of ${limit} left, ${wait}`;
}
