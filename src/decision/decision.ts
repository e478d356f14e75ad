/**
 * What comes back from asking a limiter: a decision, and the permit of one that allows.
 *
 * @module
 */

import { brand } from "../base/brand.ts";
import { showAs, shownKey } from "../base/inspect.ts";
import type { RateLimit } from "../algorithms/limit.ts";
import { decisionHeaders } from "../policy/headers.ts";
import { deniedByOf, explanationOf } from "./explain/of_decision.ts";
import type { Explanation } from "./explain/explanation.ts";
import type { DeniedBy } from "./explain/types.ts";
import type { Degradation } from "./degradation.ts";
import { type LimitStatus, limitStatuses, type PolicyLevel, rateStatus, tightestOf } from "../policy/status.ts";
import { type DecisionPart, type DenialReason, type Outcome, REASONS } from "./outcome.ts";

/** A decision as a plain object, as `JSON.stringify` shows it. */
export type DecisionJSON = Omit<
  Decision,
  "headers" | "explain" | "alone" | "outcome" | "grant" | "denied" | "permit" | "toJSON"
>;

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
  /** The id of the limiter; of several limiters, the one that decided. */
  readonly limiter: string;
  /** The key; undefined for the limiter as a whole. */
  readonly key: string | undefined;
  /** The units that were asked for. */
  readonly cost: number;
  /** Undefined where the configured store has decided. */
  readonly #degradation: Degradation | undefined;
  readonly #named: readonly DecisionPart[];
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
    named: readonly DecisionPart[],
    outcome: Outcome | undefined,
    grants: boolean,
    degradation: Degradation | undefined = undefined,
    first: number = 0,
    second: number = 0,
  ) {
    this.allowed = outcome === undefined || outcome.status === "allowed";
    this.limiter = limiter;
    this.key = key;
    this.cost = cost;
    this.#degradation = degradation;
    this.#named = named;
    this.#outcome = outcome;
    this.#first = first;
    this.#second = second;
    this.#limits = undefined;
    this.#permit = grants;
  }

  /** Whether the failure policy decided in place of the store. */
  get degraded(): boolean {
    return this.#degradation !== undefined;
  }

  /** Why the call was denied; undefined if it was allowed. */
  get reason(): DenialReason | undefined {
    return this.#outcome && REASONS[this.#outcome.status];
  }

  /**
   * What denied the call: limiter, limit and kind of key, fit for labels of metrics; undefined if it was allowed. If several
   * limits deny, the one that keeps the call out the longest.
   */
  get deniedBy(): DeniedBy | undefined {
    return this.allowed ? undefined : deniedByOf(this, this.#named, this.#outcome as Outcome);
  }

  /**
   * The limiter of a decision on one.
   *
   * @internal
   */
  get alone(): DecisionPart | undefined {
    return this.#named.length === 1 ? this.#named[0] : undefined;
  }

  /**
   * What it was made from; undefined where one limit allowed it.
   *
   * @internal
   */
  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  /** Denied: how long until the same call would be allowed, with no other traffic, in milliseconds. Else 0. */
  get retryAfterMs(): number {
    return this.#outcome === undefined || this.allowed ? 0 : this.#outcome.waitUs / 1_000;
  }

  /** Every limit of the decision, in the order of the policy, permits last. */
  get limits(): readonly LimitStatus[] {
    if (this.#limits !== undefined) return this.#limits;
    if (this.#outcome === undefined) return this.#limits = [this.#status()];
    const limits = limitStatuses(this.#named, this.#levels);
    // Where no store has decided, nothing is known to be left.
    const isUnknown = this.#outcome.status === "store";
    return this.#limits = isUnknown ? limits.map((limit) => ({ ...limit, remaining: 0 })) : limits;
  }

  /**
   * What `tryAcquire` grants; of a limiter without `maxConcurrent`, it is made when it is first asked for. Undefined where it
   * denies, and of decisions that grant nothing by themselves: those of `peek`, of permits, and of errors.
   */
  get permit(): Permit | undefined {
    if (!this.allowed) return undefined;
    if (this.#permit === true) this.#permit = new RatePermit(this, 0);
    return this.#permit === false ? undefined : this.#permit;
  }

  /**
   * Comes with a permit of a limiter with `maxConcurrent`.
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
    const { limiter, key, cost } = this;
    const outcome = { status: "blocked", waitUs: waitMs * 1_000, levels: this.#levels, isPause: true } as const;
    return new Decision(limiter, key, cost, this.#named, outcome, false, this.#degradation);
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

  /**
   * Explains the decision, from what it knows: what stands in each limit, what denies the call and until when, and what would
   * change that. Asks no store: `explain()` of an instance does, and knows more.
   */
  explain(): Explanation {
    const outcome = this.#outcome ?? { status: "allowed", waitUs: 0, levels: this.#levels };
    return explanationOf(this, this.#named, outcome, this.#degradation);
  }

  /** The decision as a plain object, with the getters as fields. */
  toJSON(): DecisionJSON {
    const { allowed, reason, deniedBy, limiter, key, cost, limit, remaining, retryAfterMs, resetAfterMs } = this;
    const { degraded, limits } = this;
    return {
      allowed,
      reason,
      deniedBy,
      limiter,
      key,
      cost,
      limit,
      remaining,
      retryAfterMs,
      resetAfterMs,
      degraded,
      limits,
    };
  }

  /** The only limit of one that a limit alone allowed: servers read it for each request. */
  #status(): LimitStatus {
    const { limiter, policy } = this.#named[0] as DecisionPart;
    return rateStatus(limiter, policy.rates[0] as RateLimit, [this.#first, this.#second]);
  }

  get #levels(): readonly PolicyLevel[] {
    return this.#outcome?.levels ?? [{ rates: [[this.#first, this.#second]], permits: undefined }];
  }

  get #tightest(): LimitStatus | undefined {
    return tightestOf(this.limits);
  }
}

showAs(Decision.prototype, "Decision", (it) => ({ ...it.toJSON(), key: shownKey(it.key) }));

/**
 * Permission to go ahead. Release or dispose of it when done: with `maxConcurrent` it counts until then.
 *
 * @example Held for a block
 * ```ts
 * import { acquire } from "@ratesync/core";
 *
 * async function upload(file: Blob, signal?: AbortSignal) {
 *   await using permit = await acquire("upload", { signal });
 *   await fetch("https://files.example/", { method: "PUT", body: file, signal: permit.lost });
 * }
 * ```
 */
export interface Permit extends AsyncDisposable {
  /** The decision that granted it. */
  readonly decision: Decision;
  /** How long the caller waited for it, in milliseconds. */
  readonly waitedMs: number;
  /**
   * With `maxConcurrent`: a number above that of every permit granted before it for this limiter and key. A storage that
   * compares it can refuse a holder whose lease has ended. Else undefined.
   */
  readonly fencingToken: number | undefined;
  /** Aborted with a `LeaseLostError` if the lease ends before the release. Another caller may hold the permit then. */
  readonly lost: AbortSignal;
  /**
   * Gives the permit back. Only the first call does anything, and it never rejects: a permit that cannot be given back
   * now is free when its lease ends.
   */
  release(): Promise<void>;
}

/** A permit of a limiter without `maxConcurrent`: there is nothing to give back, and nothing to lose. */
export class RatePermit implements Permit {
  /** The decision that granted it. */
  readonly decision: Decision;
  /** How long the caller waited for it, in milliseconds. */
  readonly waitedMs: number;
  #lost: AbortSignal | undefined;

  constructor(decision: Decision, waitedMs: number) {
    this.decision = decision;
    this.waitedMs = waitedMs;
  }

  /** Nothing is held, so there is no token. */
  get fencingToken(): undefined {
    return undefined;
  }

  /** Never aborted. */
  get lost(): AbortSignal {
    return this.#lost ??= new AbortController().signal;
  }

  /** Does nothing. */
  release(): Promise<void> {
    return Promise.resolve();
  }

  /** Does nothing. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

showAs<Permit>(RatePermit.prototype, "Permit", ({ waitedMs, fencingToken, decision }) => {
  return { waitedMs, fencingToken, decision };
});
