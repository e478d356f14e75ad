/**
 * What the verbs of a limiter answer.
 *
 * @module
 */

import type { Explanation } from "../../decision/explain/explanation.ts";
import { decidingPlace, detailsFor } from "../../decision/explain/of_decision.ts";
import type { Call, CallKind } from "../call.ts";
import { Decision, type Permit, RatePermit } from "../../decision/decision.ts";
import type { Degradation } from "../../decision/degradation.ts";
import type { Outcome } from "../../decision/outcome.ts";
import type { LimiterTarget } from "../target.ts";
import { HeldPermit } from "./held_permit.ts";
import { RateLimitedError } from "../../decision/rate_limited_error.ts";

/** `tryAcquire`: the decision, with a permit where it allows. */
export const TRY: CallKind<Decision> = {
  mode: "now",
  reserves: false,
  answer(call, outcome) {
    const decision = decisionOf(call.targets, outcome, true, call.degradation);
    const { id, reply } = call;
    if (decision.allowed && reply !== undefined && (id !== "" || reply.lease)) decision.grant(permitOf(call, decision));
    record(call, decision);
    return decision;
  },
};

/** `peek`: the decision, which is not counted. */
export const PEEK: CallKind<Decision> = {
  mode: "peek",
  reserves: false,
  answer: (call, outcome) => decisionOf(call.targets, outcome, false, call.degradation),
};

/** `explain`: as `peek`, with what a decision need not know. */
export const EXPLAIN: CallKind<Explanation> = {
  mode: "peek",
  reserves: false,
  details: (targets) => detailsFor(targets),
  answer: (call, outcome) => decisionOf(call.targets, outcome, false, call.degradation).explain(),
};

/** `acquire`: a permit. */
export const ACQUIRE: CallKind<Permit> = {
  mode: "wait",
  reserves: false,
  answer: (call, outcome) => permitOf(call, allowedOrThrow(call, outcome)),
};

/**
 * The decision of a call that waited, counted.
 *
 * @throws {RateLimitedError} If it is a denial.
 */
export function allowedOrThrow<Answer>(call: Call<Answer>, outcome: Outcome): Decision {
  const decision = decisionOf(
    call.session.changed.currentAll(call.targets),
    outcome,
    false,
    call.degradation,
  );
  record(call, decision);
  if (!decision.allowed) throw new RateLimitedError(decision);
  return decision;
}

/** Makes the permit of a decision that allows. Its lease is renewed by the session that took it. */
function permitOf<Answer>({ session, targets, reply, id, waitedMs }: Call<Answer>, decision: Decision): Permit {
  const lease = reply?.lease ?? id;
  if (lease === "" || reply === undefined) return new RatePermit(decision, waitedMs);
  const holders = targets.length === 1 ? targets : targets.filter(({ permits }) => permits > 0);
  return new HeldPermit(session, holders, decision, waitedMs, reply, lease);
}

function record<Answer>(call: Call<Answer>, decision: Decision): void {
  const { session, targets, reply, waitedMs, waits, wasQueued, degradation } = call;
  // A store in this process has the clock of this process.
  const isNow = reply !== undefined && session.health === undefined && !waits;
  const atUs = !decision.allowed ? 0 : isNow ? reply.nowUs : session.clock.nowUs();
  for (let i = 0; i < targets.length; i++) {
    const { recorder, key } = targets[i] as LimiterTarget;
    if (degradation !== undefined) recorder.degraded();
    recorder.decided(decision, waitedMs, atUs, waits, wasQueued, key);
  }
}

/** Makes the decision of a call on some targets. `grants`: it comes with a permit where it allows. */
function decisionOf(
  targets: readonly LimiterTarget[],
  outcome: Outcome,
  grants: boolean,
  degradation: Degradation | undefined,
): Decision {
  const isAlone = targets.length === 1 || outcome.status === "allowed" || outcome.status === "store";
  const { limiter, key, cost } = targets[isAlone ? 0 : decidingPlace(targets, outcome)] as LimiterTarget;
  return new Decision(limiter, key, cost, targets, outcome, grants, degradation);
}
