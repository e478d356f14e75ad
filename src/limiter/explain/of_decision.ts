/**
 * What decisions are explained by. Loaded when one is.
 *
 * @module
 */

import type { Degradation } from "../resilience/degradation.ts";
import type { DecisionPart, DenialReason, Outcome } from "../result/decision.ts";
import { explain } from "./explain.ts";
import type { Explanation } from "./explanation.ts";
import { askedUnits, blockedPart, boundOf, deniedBy, limitStates, type Part } from "./limit_states.ts";
import type { DeniedBy } from "./types.ts";

/** What a decision tells of its call. */
interface Told {
  /** The key, where the call has one limiter. */
  readonly key: string | undefined;
  /** The cost, likewise. */
  readonly cost: number;
  /** Why it was denied. */
  readonly reason: DenialReason | undefined;
}

/** Explains a decision. */
export function explanationOf(
  told: Told,
  named: readonly DecisionPart[],
  outcome: Outcome,
  degradation: Degradation | undefined,
): Explanation {
  return explain({ parts: partsOf(named, told), outcome, reason: told.reason, degradation });
}

/** What denied the call of a decision. */
export function deniedByOf(told: Omit<Told, "reason">, named: readonly DecisionPart[], outcome: Outcome): DeniedBy {
  return deniedBy(partsOf(named, told), outcome) as DeniedBy;
}

/** What to ask a store about targets, to explain a call. */
export function detailsFor(parts: readonly Part[]): number[][][] {
  return parts.map(({ policy, cost }) => policy.rates.map((rate) => askedUnits(rate, cost)));
}

/** Which of several limiters denies a call: the one that keeps it out the longest. */
export function decidingPlace(parts: readonly Part[], outcome: Outcome): number {
  return outcome.status === "blocked"
    ? blockedPart(outcome)
    : boundOf(limitStates(parts, outcome), outcome)?.place ?? 0;
}

/** The limiters of a call. A decision on one alone has the key and the cost itself. */
function partsOf(named: readonly (DecisionPart & Partial<Part>)[], { key, cost }: Omit<Told, "reason">): Part[] {
  const isAlone = named.length === 1;
  return named.map((each) => {
    const { limiter, policy, keyClass } = each;
    const own = isAlone ? cost : each.cost ?? cost;
    const slots = policy.maxConcurrent === 0 ? 0 : policy.rates.length === 0 ? own : 1;
    return { limiter, policy, keyClass, key: isAlone ? key : each.key, cost: own, slots };
  });
}
