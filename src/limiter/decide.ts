/**
 * From a store's reply to a decision.
 *
 * @module
 */

import type { DecisionFacts, DenialReason } from "../policy/decision.ts";
import { type LimitStatus, rateStatus } from "../policy/status.ts";
import type { TakeReply, Target, TargetLevel } from "../stores/store.ts";

const REASONS = { rate: "rate", blocked: "blocked", slots: "concurrency", queued: "concurrency" } as const;

/** A reply, read as a decision. One that still queues is a denial, for now. */
export class ReplyFacts implements DecisionFacts {
  /** Whether the failure policy decided in place of the store. */
  readonly degraded: boolean;
  readonly #targets: readonly Target[];
  readonly #reply: TakeReply;
  /** The target that decided. */
  readonly #about: Target;

  /**
   * Makes them.
   *
   * @param targets What was asked.
   * @param reply What the store said.
   * @param degraded Whether it is not the configured store.
   */
  constructor(targets: readonly Target[], reply: TakeReply, degraded: boolean) {
    this.degraded = degraded;
    this.#targets = targets;
    this.#reply = reply;
    const about = this.allowed || targets.length === 1 ? undefined : stopper(targets, this.limits);
    this.#about = about ?? targets[0] as Target;
  }

  /** Whether the call may go ahead. */
  get allowed(): boolean {
    return this.#reply.status === "allowed";
  }

  /** What stood in the way. */
  get reason(): DenialReason | undefined {
    const { status } = this.#reply;
    return status === "allowed" ? undefined : REASONS[status];
  }

  /** The limiter that decided. */
  get limiter(): string {
    return this.#about.limiter;
  }

  /** Who was limited. */
  get key(): string | undefined {
    return this.#about.key;
  }

  /** The units that were asked for. */
  get cost(): number {
    return this.#about.cost;
  }

  /** Denied: how long until the same call would be allowed. Else 0. */
  get retryAfterMs(): number {
    return this.allowed ? 0 : this.#reply.waitUs / 1_000;
  }

  /** Every limit that took part. */
  get limits(): readonly LimitStatus[] {
    const { levels } = this.#reply;
    if (this.#targets.length === 1) return statuses(this.#targets[0] as Target, levels[0] as TargetLevel);
    return this.#targets.flatMap((target, i) => statuses(target, levels[i] as TargetLevel));
  }
}

/** A decision that no store made. */
export function storelessFacts(targets: readonly Target[], allowed: boolean): DecisionFacts {
  const [target] = targets;
  const reason: DenialReason | undefined = allowed ? undefined : "store";
  const limits = targets.flatMap((each) =>
    statuses(each, {
      rates: each.policy.rates.map(() => [0, 0] as const),
      slots: { used: 0, freeInUs: 0, fence: 0 },
    })
  );
  return {
    allowed,
    reason,
    limiter: target?.limiter ?? "",
    key: target?.key,
    cost: target?.cost ?? 0,
    limits: allowed ? limits : limits.map((limit) => ({ ...limit, remaining: 0 })),
    retryAfterMs: 0,
    degraded: true,
  };
}

function statuses(target: Target, level: TargetLevel): LimitStatus[] {
  const { limiter, policy } = target;
  const all = policy.rates.map((rate, i) => rateStatus(limiter, rate, level.rates[i] ?? [0, 0]));
  if (policy.maxConcurrent === 0) return all;
  const { used, freeInUs } = level.slots ?? { used: 0, freeInUs: 0 };
  return [...all, {
    limiter,
    algorithm: "concurrency",
    limit: policy.maxConcurrent,
    remaining: Math.max(policy.maxConcurrent - used, 0),
    windowMs: undefined,
    resetAfterMs: freeInUs / 1_000,
  }];
}

/** The target that stands in the way. */
function stopper(targets: readonly Target[], limits: readonly LimitStatus[]): Target | undefined {
  return targets.find((target) =>
    limits.some(({ limiter, algorithm, remaining }) =>
      limiter === target.limiter && remaining < (algorithm === "concurrency" ? target.slots : target.cost)
    )
  );
}
