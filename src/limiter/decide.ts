/**
 * From a store's reply to a decision.
 *
 * @module
 */

import type { DecisionFacts, DenialReason } from "../policy/decision.ts";
import { type LimitStatus, rateStatus } from "../policy/status.ts";
import type { TakeReply, Target, TargetLevel } from "../stores/store.ts";

const REASONS = { rate: "rate", blocked: "blocked", slots: "concurrency", queued: "concurrency" } as const;

/** Reads a reply as a decision. A reply that still queues is a denial, for now. */
export function factsOf(targets: readonly Target[], reply: TakeReply, degraded: boolean): DecisionFacts {
  const { status, waitUs } = reply;
  const allowed = status === "allowed";
  const limits = () => targets.flatMap((target, i) => statuses(target, reply.levels[i] as TargetLevel));
  const [first] = targets;
  const about = allowed || targets.length === 1 ? first : stopper(targets, limits()) ?? first;
  return {
    allowed,
    reason: allowed ? undefined : REASONS[status],
    limiter: about?.limiter ?? "",
    key: about?.key,
    cost: about?.cost ?? 0,
    limits,
    retryAfterMs: allowed ? 0 : waitUs / 1_000,
    degraded,
  };
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
