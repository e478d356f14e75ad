/**
 * Decisions of a store inside this process that need no call: it answers before it returns.
 *
 * @module
 */

import { Decision, type Permit, RatePermit } from "./result/decision.ts";
import { HeldPermit } from "./result/held_permit.ts";
import type { StoreSession } from "./store_session.ts";
import type { LimiterRules } from "./target.ts";

/** What the last take left behind, where its store wrote that. */
const LEFT = { nowUs: 0, first: 0, second: 0 };

/** `tryAcquire` on one key, counted; undefined where the store needs a request. */
export function tryHere(
  session: StoreSession,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
): Decision | undefined {
  if (rules.policy.maxConcurrent > 0) return permitHere(session, rules, key, cost, true)?.decision;
  const decision = takeHere(session, rules, key, cost, true);
  if (decision !== undefined) rules.recorder.decided(decision, 0, LEFT.nowUs, false, false);
  return decision;
}

/** `acquire` on one key, if it need not wait, counted; else undefined, and nothing was taken. */
export function acquireHere(
  session: StoreSession,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
): Permit | undefined {
  if (rules.policy.maxConcurrent > 0) return permitHere(session, rules, key, cost, false);
  const decision = takeHere(session, rules, key, cost, false);
  if (!decision?.allowed) return undefined;
  rules.recorder.decided(decision, 0, LEFT.nowUs, true, false);
  return new RatePermit(decision, 0);
}

function takeHere(
  { store }: StoreSession,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
  grants: boolean,
): Decision | undefined {
  const reply = store.takeAtOnce?.(rules, key, cost, LEFT);
  if (reply === undefined) return undefined;
  const { limiter, named } = rules;
  if (reply === true) {
    return new Decision(limiter, key, cost, named, undefined, grants, false, LEFT.first, LEFT.second);
  }
  LEFT.nowUs = reply.nowUs;
  return new Decision(limiter, key, cost, named, reply, grants);
}

/** Takes permits if enough are free and no call queues for them. Few callers ask a permit for its decision. */
function permitHere(
  session: StoreSession,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
  grants: boolean,
): HeldPermit | undefined {
  const { store } = session;
  if (store.takePermitsAtOnce === undefined) return undefined;
  const targets = rules.targetsOf(key, cost);
  const reply = store.takePermitsAtOnce(targets[0]);
  if (reply === undefined) return undefined;
  const { limiter, recorder } = rules;
  if (!grants && !recorder.isWatched) {
    recorder.acquired(0, reply.nowUs);
    return new HeldPermit(session, targets, undefined, 0, reply, reply);
  }
  const decision = new Decision(limiter, key, cost, targets, reply, grants);
  const permit = new HeldPermit(session, targets, decision, 0, reply, reply);
  if (grants) decision.grant(permit);
  recorder.decided(decision, 0, reply.nowUs, !grants, false);
  return permit;
}
