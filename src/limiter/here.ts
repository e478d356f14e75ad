/**
 * Decisions of a store that answers before it returns: they need no call of their own.
 *
 * @module
 */

import { IN_LEFT, type LevelLeft, type TakeReply } from "../stores/store.ts";
import { maxWaitUs } from "./call_options.ts";
import { start, startAsked } from "./pipeline.ts";
import { ACQUIRE, TRY } from "./result/answers.ts";
import { Decision, type Permit, RatePermit } from "./result/decision.ts";
import { HeldPermit } from "./result/held_permit.ts";
import type { StoreAccess } from "./store_access.ts";
import type { StoreSession } from "./store_session.ts";
import type { LimiterRules } from "./target.ts";

/** What the last take left behind. */
const LEFT: LevelLeft = { nowUs: 0, first: 0, second: 0 };

/** `tryAcquire` on one key. */
export function tryHere(
  session: StoreSession,
  access: StoreAccess,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
): Decision | Promise<Decision> {
  const reply = ask(session, rules, key, cost);
  if (reply === undefined) return start(session, access, rules.targetsOf(key, cost), TRY);
  if (isLate(reply)) return startAsked(reply, session, access, rules.targetsOf(key, cost), TRY);
  const decision = decide(rules, key, cost, reply, true);
  if (reply.lease !== undefined) {
    decision.grant(new HeldPermit(session, rules.targetsOf(key, cost), decision, 0, reply, reply.lease));
  }
  rules.recorder.decided(decision, 0, LEFT.nowUs, false, false);
  return decision;
}

/** `acquire` on one key; undefined where the call has to wait: nothing was taken then. */
export function acquireHere(
  session: StoreSession,
  access: StoreAccess,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
  timeoutMs: number | undefined,
  signal: AbortSignal | undefined,
): Permit | Promise<Permit> | undefined {
  const reply = ask(session, rules, key, cost);
  if (reply === undefined) return undefined;
  if (isLate(reply)) {
    const limit = { maxWaitUs: maxWaitUs(timeoutMs, [rules.policy]), signal };
    return startAsked(reply, session, access, rules.targetsOf(key, cost), ACQUIRE, limit);
  }
  if (reply.status !== "allowed") return undefined;
  const { recorder } = rules;
  const { lease } = reply;
  if (lease === undefined) {
    const permit = new RatePermit(decide(rules, key, cost, reply, false), 0);
    recorder.decided(permit.decision, 0, LEFT.nowUs, true, false);
    return permit;
  }
  // Few callers ask a permit for its decision.
  const decision = recorder.isWatched ? decide(rules, key, cost, reply, false) : undefined;
  const permit = new HeldPermit(session, rules.targetsOf(key, cost), decision, 0, reply, lease);
  if (decision === undefined) recorder.acquired(0, reply.nowUs);
  else recorder.decided(decision, 0, reply.nowUs, true, false);
  return permit;
}

/** The decision of a reply. `LEFT.nowUs` is when it was made. */
function decide(
  { limiter, named }: LimiterRules,
  key: string | undefined,
  cost: number,
  reply: TakeReply,
  grants: boolean,
): Decision {
  if (reply === IN_LEFT) {
    return new Decision(limiter, key, cost, named, undefined, grants, undefined, LEFT.first, LEFT.second);
  }
  LEFT.nowUs = reply.nowUs;
  return new Decision(limiter, key, cost, named, reply, grants);
}

/** Asks about this moment; undefined where the store has failed, before it took anything. */
function ask(
  { store }: StoreSession,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
): TakeReply | Promise<TakeReply> | undefined {
  try {
    const reply = store.execute(rules.requestNow(key, cost, LEFT));
    if (isLate(reply)) rules.lendRequest();
    return reply;
  } catch {
    return undefined; // asked again as a call, which knows what to do
  }
}

/** Whether a store has not answered at once after all. Promises have no status, and to ask for that is cheaper. */
function isLate(reply: TakeReply | Promise<TakeReply>): reply is Promise<TakeReply> {
  return (reply as TakeReply).status === undefined;
}
