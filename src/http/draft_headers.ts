/**
 * `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11, for one decision after the other.
 *
 * @module
 */

import type { Decision } from "../decision/decision.ts";
import { isMeasured, limitField, policyField, quotedNames } from "../policy/headers.ts";
import type { LimitStatus } from "../policy/status.ts";
import type { HeaderPair } from "./header_pair.ts";

/**
 * Writes the two headers. What does not change from one decision to the next, the policy and the names of the limits, is
 * written once, until a decision has other limits.
 */
export class DraftHeaders {
  #limits: readonly LimitStatus[] | undefined;
  #names: readonly string[] = [];
  #policy: HeaderPair = ["RateLimit-Policy", ""];

  /** The headers of a decision; only the policy where no store has counted. */
  of(decision: Decision): HeaderPair[] {
    const { limits } = decision;
    if (this.#limits === undefined || !haveSameRules(this.#limits, limits)) {
      this.#limits = limits;
      this.#names = quotedNames(limits);
      this.#policy = ["RateLimit-Policy", policyField(decision, this.#names)];
    }
    return isMeasured(decision) ? [this.#policy, ["RateLimit", limitField(decision, this.#names)]] : [this.#policy];
  }
}

function haveSameRules(some: readonly LimitStatus[], others: readonly LimitStatus[]): boolean {
  if (some.length !== others.length) return false;
  for (let i = 0; i < some.length; i++) {
    const [one, other] = [some[i] as LimitStatus, others[i] as LimitStatus];
    if (one.limit !== other.limit || one.windowMs !== other.windowMs || one.limiter !== other.limiter) return false;
  }
  return true;
}
