/**
 * What comes back from asking a limiter.
 *
 * @module
 */

import { brand } from "../../base/brand.ts";
import { nameError, RateSyncError } from "../../base/errors.ts";
import { showAs, shownKey } from "../../base/inspect.ts";
import { decisionHeaders } from "../../policy/headers.ts";
import type { NamedPolicy } from "../../policy/policy.ts";
import { type LimitStatus, limitStatuses, type PolicyLevel, type Standing } from "../../policy/status.ts";
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

/** A decision as a plain object, as `JSON.stringify` shows it. */
export type DecisionJSON = Omit<Decision, "headers" | "grant" | "denied" | "permit" | "toJSON">;

/** What a decision is made of: a store's reply, or what stands in place of one. */
export interface Outcome extends Standing {
  /** What became of the call. */
  readonly status: keyof typeof REASONS;
  /** Denied: when it could be allowed, in microseconds. */
  readonly waitUs: number;
}

/** What stood in the way, by what became of a call. One that still queues is a denial, for now. */
const REASONS = {
  allowed: undefined,
  rate: "rate",
  blocked: "blocked",
  slots: "concurrency",
  queued: "concurrency",
  queue_full: "queue_full",
  store: "store",
} as const;

// One class for all: where one that grants derived from one that does not, its constructor took an eighth of what a
// decision in memory takes. What follows from the store's reply is worked out when it is read: a decision costs by its
// size.
/** What a limiter decided: an ordinary value, allowed or denied. */
export class Decision {
  static {
    brand(this, "Decision");
  }

  /** Whether the call may go ahead. */
  readonly allowed: boolean;
  /** The id of the limiter; of several, the one that decided. */
  readonly limiter: string;
  /** The key; undefined for the limiter as a whole. */
  readonly key: string | undefined;
  /** The units that were asked for. */
  readonly cost: number;
  /** Whether the failure policy decided in place of the store. */
  readonly degraded: boolean;
  readonly #named: readonly NamedPolicy[];
  /** Undefined where one limit allowed it: then the two numbers of its level are all there is to know. */
  readonly #outcome: Outcome | undefined;
  readonly #first: number;
  readonly #second: number;
  #limits: readonly LimitStatus[] | undefined;
  /** `true` where one is granted that has not been made yet. */
  #permit: Permit | boolean;

  /**
   * Limiters make decisions; `JSON.stringify` shows all that one says.
   *
   * @internal
   */
  constructor(
    limiter: string,
    key: string | undefined,
    cost: number,
    named: readonly NamedPolicy[],
    outcome: Outcome | undefined,
    grants: boolean,
    degraded: boolean = false,
    first: number = 0,
    second: number = 0,
  ) {
    this.allowed = outcome === undefined || outcome.status === "allowed";
    this.limiter = limiter;
    this.key = key;
    this.cost = cost;
    this.degraded = degraded;
    this.#named = named;
    this.#outcome = outcome;
    this.#first = first;
    this.#second = second;
    this.#limits = undefined;
    this.#permit = grants;
  }

  /** Why the call was denied; undefined where it was allowed. */
  get reason(): DenialReason | undefined {
    return this.#outcome && REASONS[this.#outcome.status];
  }

  /** Denied: how long until the same call would be allowed, with no other traffic, in milliseconds. Else 0. */
  get retryAfterMs(): number {
    return this.#outcome === undefined || this.allowed ? 0 : this.#outcome.waitUs / 1_000;
  }

  /** Every limit that took part, in the order of the policy, slots last. */
  get limits(): readonly LimitStatus[] {
    if (this.#limits !== undefined) return this.#limits;
    const limits = limitStatuses(this.#named, this.#levels);
    // Where no store has decided, nothing is known to be left.
    const isUnknown = this.#outcome?.status === "store";
    return this.#limits = isUnknown ? limits.map((limit) => ({ ...limit, remaining: 0 })) : limits;
  }

  /**
   * What `tryAcquire` grants; without a slot, it is made when it is first asked for. Undefined where it denies, and of
   * decisions that grant nothing by themselves: those of `peek`, of permits, and of errors.
   */
  get permit(): Permit | undefined {
    if (!this.allowed) return undefined;
    if (this.#permit === true) this.#permit = new RatePermit(this, 0);
    return this.#permit === false ? undefined : this.#permit;
  }

  /**
   * Comes with a permit that holds slots.
   *
   * @internal
   */
  grant(permit: Permit): void {
    this.#permit = permit;
  }

  /**
   * The same, where something else than its limits denies the call for a while.
   *
   * @internal
   */
  denied(waitMs: number): Decision {
    const { limiter, key, cost, degraded } = this;
    const outcome = { status: "blocked", waitUs: waitMs * 1_000, levels: this.#levels } as const;
    return new Decision(limiter, key, cost, this.#named, outcome, false, degraded);
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

  get #levels(): readonly PolicyLevel[] {
    return this.#outcome?.levels ?? [{ rates: [[this.#first, this.#second]], slots: undefined }];
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
