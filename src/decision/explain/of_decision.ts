/**
 * What decisions are explained by. Loaded when one is.
 *
 * @module
 */

import type { Degradation } from "../degradation.ts";
import type { DecisionPart, DenialReason, Outcome } from "../outcome.ts";
import { explain } from "./explain.ts";
import type { Explanation } from "./explanation.ts";
import type { Policy } from "../../policy/policy.ts";
import {
  askedUnits,
  blockedPart,
  boundOf,
  classOf,
  deniedBy,
  limitStates,
  type Part,
  ruleFor,
} from "./limit_states.ts";
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
  const [only] = named as readonly [DecisionPart];
  if (named.length === 1) {
    // Metrics count each denial by it. Most limiters have one limit: then there is nothing to find out.
    const rule = onlyRule(only.policy, outcome);
    if (rule !== undefined) {
      return { limiter: only.limiter, keyClass: classOf({ keyClass: only.keyClass, key: told.key }), limit: 0, rule };
    }
  }
  return deniedBy(partsOf(named, told), outcome) as DeniedBy;
}

/** What to ask a store about targets, to explain a call. */
export function detailsFor(parts: readonly Part[]): number[][][] {
  return parts.map(({ policy, cost }) => policy.rates.map((rate) => askedUnits(rate, cost)));
}

/** The rule of a policy that has one; undefined where something else denied the call. */
function onlyRule(policy: Policy, { status }: Outcome): string | undefined {
  const { rates, maxConcurrent } = policy;
  if (rates.length + Number(maxConcurrent > 0) !== 1 || status === "blocked" || status === "store") return undefined;
  return ruleFor(policy, rates[0]);
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
    const permits = policy.maxConcurrent === 0 ? 0 : policy.rates.length === 0 ? own : 1;
    return { limiter, policy, keyClass, key: isAlone ? key : each.key, cost: own, permits };
  });
}
