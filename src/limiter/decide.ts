/**
 * From a store's reply to what a decision says.
 *
 * @module
 */

import { limitStatuses } from "../policy/status.ts";
import type { TakeReply, Target } from "../stores/store.ts";
import type { DecisionFacts, DenialReason, Verdict } from "./decision.ts";

const REASONS = {
  rate: "rate",
  blocked: "blocked",
  slots: "concurrency",
  queued: "concurrency",
  queue_full: "queue_full",
} as const;

/** Reads a reply to a call on some targets. One that still queues is a denial, for now. */
export function verdictOf(targets: readonly Target[], reply: TakeReply, degraded: boolean): Verdict {
  const stopper = reply.status === "allowed" || targets.length === 1 ? undefined : stopperOf(targets, reply);
  const { limiter, key, cost } = stopper ?? targets[0] as Target;
  return newVerdict(limiter, key, cost, reply, degraded);
}

/** Reads a reply to a call on one key. */
export function newVerdict(
  limiter: string,
  key: string | undefined,
  cost: number,
  { status, waitUs }: TakeReply,
  degraded: boolean,
): Verdict {
  const allowed = status === "allowed";
  const reason = allowed ? undefined : REASONS[status];
  return { allowed, reason, limiter, key, cost, retryAfterMs: allowed ? 0 : waitUs / 1_000, degraded };
}

/** A decision that no store made. */
export function storelessFacts(targets: readonly Target[], allowed: boolean): DecisionFacts {
  const [target] = targets;
  const reason: DenialReason | undefined = allowed ? undefined : "store";
  const limits = limitStatuses(targets, { levels: targets.map(() => ({ rates: [], slots: undefined })) });
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

/** The target that stands in the way. */
function stopperOf(targets: readonly Target[], reply: TakeReply): Target | undefined {
  const limits = limitStatuses(targets, reply);
  return targets.find((target) =>
    limits.some(({ limiter, algorithm, remaining }) =>
      limiter === target.limiter && remaining < (algorithm === "concurrency" ? target.slots : target.cost)
    )
  );
}
