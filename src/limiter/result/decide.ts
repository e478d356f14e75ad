/**
 * From what became of a call to its decision.
 *
 * @module
 */

import { decidingPlace } from "../../decision/explain/of_decision.ts";
import type { Degradation } from "../../decision/degradation.ts";
import type { LimiterTarget } from "../target.ts";
import { Decision } from "../../decision/decision.ts";
import type { Outcome } from "../../decision/outcome.ts";

/** Makes the decision of a call on some targets. `grants`: it comes with a permit where it allows. */
export function decisionOf(
  targets: readonly LimiterTarget[],
  outcome: Outcome,
  grants: boolean,
  degradation: Degradation | undefined,
): Decision {
  const isAlone = targets.length === 1 || outcome.status === "allowed" || outcome.status === "store";
  const { limiter, key, cost } = targets[isAlone ? 0 : decidingPlace(targets, outcome)] as LimiterTarget;
  return new Decision(limiter, key, cost, targets, outcome, grants, degradation);
}
