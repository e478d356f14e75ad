/**
 * What comes back from asking a limiter.
 *
 * @module
 */

import { brand } from "../base/brand.ts";
import { nameError, RateSyncError } from "../base/errors.ts";
import { showAs, shownKey } from "../base/inspect.ts";
import { decisionHeaders } from "../policy/headers.ts";
import type { NamedPolicy } from "../policy/policy.ts";
import { type LimitStatus, limitStatuses, type Standing } from "../policy/status.ts";
import { type Permit, RatePermit } from "./permit.ts";

/**
 * Why a call was denied.
 *
 * - `rate`: A rate limit has too few units left.
 * - `blocked`: `block()` denies the key.
 * - `concurrency`: All permits are held.
 * - `queue_full`: The call could have waited, but `maxWaiters` calls wait already.
 * - `store`: The store could not decide, and the failure policy denies.
 */
export type DenialReason = "rate" | "blocked" | "concurrency" | "queue_full" | "store";

/** What `new Decision()` takes. */
export type DecisionFacts = Pick<
  Decision,
  "allowed" | "reason" | "limiter" | "key" | "cost" | "limits" | "retryAfterMs" | "degraded"
>;

/** What a decision says, but for where its limits stand. */
export type Verdict = Omit<DecisionFacts, "limits">;

/** A decision as a plain object, as `JSON.stringify` shows it. */
export type DecisionJSON = Omit<Decision, "headers" | "grant" | "permit" | "toJSON">;

// One class for all: where one that grants derived from one that does not, its constructor took an eighth of what a
// decision in memory takes.
/** What a limiter decided: an ordinary value, allowed or denied. */
export class Decision {
  static {
    brand(this, "Decision");
  }

  /** Whether the call may go ahead. */
  readonly allowed: boolean;
  /** Why the call was denied; undefined where it was allowed. */
  readonly reason: DenialReason | undefined;
  /** The id of the limiter; of several, the one that decided. */
  readonly limiter: string;
  /** The key; undefined for the limiter as a whole. */
  readonly key: string | undefined;
  /** The units that were asked for. */
  readonly cost: number;
  /** Denied: how long until the same call would be allowed, with no other traffic, in milliseconds. Else 0. */
  readonly retryAfterMs: number;
  /** Whether the failure policy decided in place of the store. */
  readonly degraded: boolean;
  readonly #grants: boolean;
  readonly #named: readonly NamedPolicy[] | undefined;
  readonly #standing: Standing | undefined;
  #limits: readonly LimitStatus[] | undefined;
  #permit: Permit | undefined;

  /**
   * For tests of your own: a decision that no limiter made.
   *
   * @param facts The facts.
   * @param grants Whether it comes with a permit where it allows.
   */
  constructor(facts: DecisionFacts, grants?: boolean);
  /**
   * Makes one that works out its limits when somebody first asks for them.
   *
   * @internal
   */
  constructor(verdict: Verdict, grants: boolean, named: readonly NamedPolicy[], standing: Standing);
  constructor(
    facts: Verdict & Partial<DecisionFacts>,
    grants: boolean = false,
    named?: readonly NamedPolicy[],
    standing?: Standing,
  ) {
    this.allowed = facts.allowed;
    this.reason = facts.reason;
    this.limiter = facts.limiter;
    this.key = facts.key;
    this.cost = facts.cost;
    this.retryAfterMs = facts.retryAfterMs;
    this.degraded = facts.degraded;
    this.#grants = grants;
    this.#named = named;
    this.#standing = standing;
    this.#limits = facts.limits;
  }

  /** Every limit that took part, in the order of the policy, slots last. */
  get limits(): readonly LimitStatus[] {
    return this.#limits ??= limitStatuses(this.#named as readonly NamedPolicy[], this.#standing as Standing);
  }

  /**
   * What `tryAcquire` grants; without a slot, it is made when it is first asked for. Undefined where it denies, and of
   * decisions that grant nothing by themselves: those of `peek`, of permits, and of errors.
   */
  get permit(): Permit | undefined {
    if (this.#permit === undefined && this.#grants && this.allowed) this.#permit = new RatePermit(this, 0);
    return this.#permit;
  }

  /**
   * Comes with a permit that holds slots.
   *
   * @internal
   */
  grant(permit: Permit): void {
    this.#permit = permit;
  }

  /** The most units of the tightest limit: the one with the least left. */
  get limit(): number {
    return this.#tightest?.limit ?? 0;
  }

  /** Units left in the tightest limit, after this decision. */
  get remaining(): number {
    return this.#tightest?.remaining ?? 0;
  }

  /** When the tightest limit is as good as unused, with no other traffic, in milliseconds. */
  get resetAfterMs(): number {
    return this.#tightest?.resetAfterMs ?? 0;
  }

  /** `RateLimit-Policy`, `RateLimit` and, on a denial, `Retry-After`, for an HTTP answer. */
  headers(): Record<string, string> {
    return decisionHeaders(this);
  }

  /** The decision as a plain object, with the getters as fields. */
  toJSON(): DecisionJSON {
    const { allowed, reason, limiter, key, cost, limit, remaining, retryAfterMs, resetAfterMs, degraded, limits } =
      this;
    return { allowed, reason, limiter, key, cost, limit, remaining, retryAfterMs, resetAfterMs, degraded, limits };
  }

  get #tightest(): LimitStatus | undefined {
    return this.limits.reduce<LimitStatus | undefined>(
      (tightest, status) => {
        if (tightest === undefined || status.remaining < tightest.remaining) return status;
        const longer = status.remaining === tightest.remaining && status.resetAfterMs > tightest.resetAfterMs;
        return longer ? status : tightest;
      },
      undefined,
    );
  }
}

showAs(Decision.prototype, "Decision", (it) => ({ ...it.toJSON(), key: shownKey(it.key) }));

/**
 * Thrown by `acquire`: it cannot be served before its deadline. For a rate that is known at once, and nothing sleeps;
 * for a slot, which may fall free at any time, at the deadline.
 */
export class RateLimitedError extends RateSyncError {
  static {
    nameError(this, "RateLimitedError");
  }

  /** The denial. */
  readonly decision: Decision;

  /**
   * Makes one.
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
