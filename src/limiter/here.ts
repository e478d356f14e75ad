/**
 * Calls on one key: decided in this process where that is possible, else by the pipeline.
 *
 * @module
 */

import { IN_LEFT, type LevelLeft, type TakeReply } from "../stores/store.ts";
import { maxWaitUs } from "./call_options.ts";
import { start, startAsked, startAtStore } from "./pipeline.ts";
import { ACQUIRE, TRY } from "./result/answers.ts";
import { Decision, type Permit, RatePermit } from "../decision/decision.ts";
import { HeldPermit } from "./result/held_permit.ts";
import type { StoreAccess } from "./store_access.ts";
import type { StoreSession } from "./store_session.ts";
import type { LimiterRules } from "./target.ts";

/** What the last take left behind. */
const LEFT: LevelLeft = { nowUs: 0, first: 0, second: 0 };

/** Decides now on one key. */
export function tryAcquire(
  session: StoreSession,
  access: StoreAccess,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
): Decision | Promise<Decision> {
  const known = tryHere(session, rules, key, cost);
  if (known !== undefined && isDecision(known)) return known;
  const targets = rules.targetsOf(key, cost);
  if (known !== undefined) return startAsked(known, session, access, targets, TRY);
  // More units may have to be leased. Else this process knows nothing of the key.
  return rules.policy.tokenLeaseUs > 0
    ? start(session, access, targets, TRY)
    : startAtStore(session, access, targets, TRY);
}

/** The same without a promise. Undefined if the store has to be asked; nothing was taken then. */
export function tryAcquireSync(
  session: StoreSession,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
): Decision | undefined {
  if (!session.answersAtOnce && rules.policy.tokenLeaseUs === 0) return undefined;
  const known = tryHere(session, rules, key, cost);
  if (known !== undefined && isDecision(known)) return known;
  const targets = rules.targetsOf(key, cost);
  if (known === undefined) session.shortcuts?.begin(targets[0]);
  else {
    // A store that does not answer at once after all has taken for no call.
    const request = { op: "take", targets, mode: "now", maxWaitUs: 0, id: "", arrivalUs: 0 } as const;
    known.then((reply) => session.undoQuietly(request, reply), () => {});
  }
  return undefined;
}

/** What this process decides by itself: in its own store, from units that it has leased, or by a denial that still holds. */
function tryHere(
  session: StoreSession,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
): Decision | Promise<TakeReply> | undefined {
  const reply = session.answersAtOnce ? ask(session, rules, key, cost) : known(session, rules, key, cost);
  if (reply === undefined || isLate(reply)) return reply;
  const decision = decide(rules, key, cost, reply, true);
  if (reply.lease !== undefined) {
    decision.grant(new HeldPermit(session, rules.targetsOf(key, cost), decision, 0, reply, reply.lease));
  }
  rules.recorder.decided(decision, 0, LEFT.nowUs, false, false);
  return decision;
}

/**
 * Takes from one key as soon as it is possible, within the time that the caller may wait.
 *
 * @throws {RateLimitedError} If that is not within it: as soon as it is known. Thrown, or rejected with.
 */
export function acquire(
  session: StoreSession,
  access: StoreAccess,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
  timeoutMs: number | undefined,
  signal: AbortSignal | undefined,
): Permit | Promise<Permit> {
  const reply = session.answersAtOnce ? ask(session, rules, key, cost) : undefined;
  if (reply !== undefined && !isLate(reply) && reply.status === "allowed") {
    return permitOf(session, rules, key, cost, reply);
  }
  const limit = { maxWaitUs: maxWaitUs(timeoutMs, [rules.policy]), signal };
  const targets = rules.targetsOf(key, cost);
  // Where the call has to wait, nothing was taken.
  return reply !== undefined && isLate(reply)
    ? startAsked(reply, session, access, targets, ACQUIRE, limit)
    : start(session, access, targets, ACQUIRE, limit);
}

/** The permit of a reply that allows, counted. */
function permitOf(
  session: StoreSession,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
  reply: TakeReply,
): Permit {
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

/** What this process knows without asking: see `tryHere`. */
function known(
  { shortcuts }: StoreSession,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
): TakeReply | undefined {
  if (shortcuts === undefined) return undefined;
  const isLease = rules.policy.tokenLeaseUs > 0;
  const reply = isLease ? shortcuts.leased(rules, key, cost) : shortcuts.denied(rules.targetsOf(key, cost)[0], 0);
  if (reply !== undefined) rules.recorder.spared(isLease);
  return reply;
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

/** `instanceof` compares brands, which takes longer than all of a decision. */
function isDecision(known: Decision | Promise<TakeReply>): known is Decision {
  return (known as Decision).allowed !== undefined;
}
