/**
 * `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11, for one decision after the other.
 *
 * @module
 */

import type { Decision } from "../decision/decision.ts";
import { available, isMeasured, limitField, limitItem, policyField, quotedNames } from "../policy/headers.ts";
import type { LimitStatus } from "../policy/status.ts";
import type { HeaderPair } from "./header_pair.ts";

/** Headers that were written for a decision on one limit. */
interface Written {
  readonly remaining: number;
  readonly forSeconds: number;
  readonly headers: readonly HeaderPair[];
}

/** How many of them are kept; a power of 2. Most clients use little of their limit, so that their headers are the same. */
const MAX_WRITTEN = 64;

/**
 * Writes the two headers. What does not change from one decision to the next, the policy and the names of the limits, is
 * written once, until a decision has other limits.
 */
export class DraftHeaders {
  #limits: readonly LimitStatus[] | undefined;
  #names: readonly string[] = [];
  #policy: HeaderPair = ["RateLimit-Policy", ""];
  #written: (Written | undefined)[] = [];

  /** The headers of a decision; only the policy where no store has counted. */
  of(decision: Decision): readonly HeaderPair[] {
    const { limits } = decision;
    if (this.#limits === undefined || !haveSameRules(this.#limits, limits)) {
      this.#limits = limits;
      this.#names = quotedNames(limits);
      this.#policy = ["RateLimit-Policy", policyField(decision, this.#names)];
      this.#written = Array.from({ length: MAX_WRITTEN }, () => undefined);
    }
    if (!isMeasured(decision)) return [this.#policy];
    if (limits.length === 1) return this.#ofOne(limits[0] as LimitStatus, decision);
    return [this.#policy, ["RateLimit", limitField(decision, this.#names)]];
  }

  #ofOne(limit: LimitStatus, decision: Decision): readonly HeaderPair[] {
    const standing = available(limit, decision);
    const { remaining, forSeconds } = standing;
    const place = (remaining + forSeconds * 7) & (MAX_WRITTEN - 1);
    const written = this.#written[place];
    if (written?.remaining === remaining && written.forSeconds === forSeconds) return written.headers;
    const headers: HeaderPair[] = [this.#policy, ["RateLimit", limitItem(this.#names[0] as string, standing)]];
    this.#written[place] = { remaining, forSeconds, headers };
    return headers;
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
