/**
 * From what became of a call to its decision.
 *
 * @module
 */

import { limitStatuses } from "../../policy/status.ts";
import type { Target } from "../../stores/store.ts";
import { Decision, type Outcome } from "./decision.ts";

/** Makes the decision of a call on some targets. `grants`: it comes with a permit where it allows. */
export function decisionOf(
  targets: readonly Target[],
  outcome: Outcome,
  grants: boolean,
  isDegraded: boolean,
): Decision {
  const { status } = outcome;
  const isAlone = targets.length === 1 || status === "allowed" || status === "store";
  const { limiter, key, cost } = (isAlone ? undefined : stopperOf(targets, outcome)) ?? targets[0] as Target;
  return new Decision(limiter, key, cost, targets, outcome, grants, isDegraded);
}

/** The target that stands in the way. */
function stopperOf(targets: readonly Target[], { levels }: Outcome): Target | undefined {
  const limits = limitStatuses(targets, levels);
  return targets.find((target) =>
    limits.some(({ limiter, algorithm, remaining }) =>
      limiter === target.limiter && remaining < (algorithm === "concurrency" ? target.slots : target.cost)
    )
  );
}
