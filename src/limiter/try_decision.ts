/**
 * The decision of `tryAcquire`.
 *
 * @module
 */

import { Decision, type DecisionFacts } from "../policy/decision.ts";
import type { Permit } from "./permit.ts";

/** The decision of `tryAcquire`: with its permit where it allows. */
export class TryDecision extends Decision {
  /** What the decision grants; undefined where it denies. */
  readonly permit: Permit | undefined;

  /**
   * Makes one.
   *
   * @param facts The facts.
   * @param grant Makes the permit, where it is allowed.
   */
  constructor(facts: DecisionFacts, grant: (decision: Decision) => Permit) {
    super(facts);
    this.permit = facts.allowed ? grant(this) : undefined;
  }
}
