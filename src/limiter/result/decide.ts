/**
 * From a store's reply to a decision.
 *
 * @module
 */

import { limitStatuses } from "../../policy/status.ts";
import type { TakeReply, Target } from "../../stores/store.ts";
import { Decision } from "./decision.ts";

/** Makes the decision of a reply to a call on some targets. `grants`: it comes with a permit where it allows. */
export function decisionOf(targets: readonly Target[], reply: TakeReply, grants: boolean, degraded: boolean): Decision {
  const stopper = reply.status === "allowed" || targets.length === 1 ? undefined : stopperOf(targets, reply);
  const { limiter, key, cost } = stopper ?? targets[0] as Target;
  return new Decision(limiter, key, cost, targets, reply, grants, degraded);
}

/** The target that stands in the way. */
function stopperOf(targets: readonly Target[], reply: TakeReply): Target | undefined {
  const limits = limitStatuses(targets, reply.levels);
  return targets.find((target) =>
    limits.some(({ limiter, algorithm, remaining }) =>
      limiter === target.limiter && remaining < (algorithm === "concurrency" ? target.slots : target.cost)
    )
  );
}
