/**
 * Calls on one key of a store in this process, which answers before its method returns: most need no `Call`.
 *
 * @module
 */

import { IN_LEFT, type LevelLeft, type TakeReply } from "../stores/store.ts";
import { Call, type KeyVerbs } from "./call.ts";
import { maxWaitUs } from "./call_options.ts";
import { NO_WAIT, start, startAsked, take } from "./pipeline.ts";
import { Decision, type Permit, RatePermit } from "../decision/decision.ts";
import { HeldPermit } from "./result/held_permit.ts";
import type { StoreAccess } from "./store_access.ts";
import type { StoreSession } from "./store_session.ts";
import type { LimiterRules } from "./target.ts";
import { ACQUIRE, TRY } from "./verbs.ts";

/** Those calls. */
export const HERE: KeyVerbs = { tryAcquire, tryAcquireSync, acquire };

/** Decides now on one key. */
function tryAcquire(
  session: StoreSession,
  access: StoreAccess,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
): Decision | Promise<Decision> {
  const reply = ask(session, rules, key, cost);
  if (reply !== undefined && !("then" in reply)) return decided(session, rules, key, cost, reply);
  const targets = rules.targetsOf(key, cost);
  return reply === undefined
    ? take(new Call(targets, TRY, access, session, NO_WAIT, undefined))
    : startAsked(reply, session, access, targets, TRY);
}

/** The same without a promise. Undefined if the store has failed, or does not answer at once; nothing was taken then. */
function tryAcquireSync(
  session: StoreSession,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
): Decision | undefined {
  const reply = ask(session, rules, key, cost);
  if (reply === undefined) return undefined;
  if (!("then" in reply)) return decided(session, rules, key, cost, reply);
  // A store that does not answer at once after all has taken for no call.
  const targets = rules.targetsOf(key, cost);
  const request = { op: "take", targets, mode: "now", maxWaitUs: 0, id: "", arrivalUs: 0 } as const;
  reply.then((late) => session.undoQuietly(request, late), () => {});
  return undefined;
}

/** The decision of a reply, counted. */
function decided(
  session: StoreSession,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
  reply: TakeReply,
): Decision {
  const { limiter, named, recorder, now: { left } } = rules;
  const isLeft = reply === IN_LEFT;
  const outcome = isLeft ? undefined : reply;
  const decision = new Decision(limiter, key, cost, named, outcome, true, undefined, left.first, left.second);
  if (reply.lease !== undefined) {
    decision.grant(new HeldPermit(session, rules.targetsOf(key, cost), decision, 0, reply, reply.lease));
  }
  recorder.decided(decision, 0, isLeft ? left.nowUs : reply.nowUs, false, false);
  return decision;
}

/**
 * Takes from one key as soon as it is possible, within the time that the caller may wait.
 *
 * @throws {RateLimitedError} If that is not within it: as soon as it is known. Thrown, or rejected with.
 */
function acquire(
  session: StoreSession,
  access: StoreAccess,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
  timeoutMs: number | undefined,
  signal: AbortSignal | undefined,
): Permit | Promise<Permit> {
  const reply = ask(session, rules, key, cost);
  if (reply !== undefined && !("then" in reply) && reply.status === "allowed") {
    return permitOf(session, rules, key, cost, reply);
  }
  const waitUs = timeoutMs === undefined ? rules.maxWaitUs : maxWaitUs(timeoutMs, [rules.policy]);
  const targets = rules.targetsOf(key, cost);
  // Where the call has to wait, nothing was taken.
  return reply !== undefined && "then" in reply
    ? startAsked(reply, session, access, targets, ACQUIRE, { maxWaitUs: waitUs, signal })
    : start(session, access, targets, ACQUIRE, { maxWaitUs: waitUs, signal });
}

/** The permit of a reply that allows, counted. */
function permitOf(
  session: StoreSession,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
  reply: TakeReply,
): Permit {
  const { limiter, named, recorder, now: { left } } = rules;
  const { lease } = reply;
  // Few callers ask a permit with a lease for its decision.
  if (lease !== undefined && !recorder.isWatched) {
    recorder.decided(undefined, 0, reply.nowUs, true, false);
    return new HeldPermit(session, rules.targetsOf(key, cost), undefined, 0, reply, lease);
  }
  const isLeft = reply === IN_LEFT;
  const outcome = isLeft ? undefined : reply;
  const decision = new Decision(limiter, key, cost, named, outcome, false, undefined, left.first, left.second);
  const permit = lease === undefined
    ? new RatePermit(decision, 0)
    : new HeldPermit(session, rules.targetsOf(key, cost), decision, 0, reply, lease);
  recorder.decided(decision, 0, isLeft ? left.nowUs : reply.nowUs, true, false);
  return permit;
}

/** Asks about this moment; undefined where the store has failed, before it took anything. */
function ask(
  { store }: StoreSession,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
): TakeReply | Promise<TakeReply> | undefined {
  const request = rules.now;
  if (rules.policy.maxConcurrent > 0) request.targets = rules.targetsOf(key, cost);
  else {
    request.target.key = key;
    request.target.cost = cost;
  }
  try {
    const reply = store.execute(request);
    if (!("then" in reply)) return reply;
    rules.lendRequest();
    return reply.then((late) => late === IN_LEFT ? leftReply(request.left) : late);
  } catch {
    return undefined; // asked again as a call, which knows what to do
  }
}

/** The reply that `IN_LEFT` stands for. */
function leftReply({ nowUs, first, second }: LevelLeft): TakeReply {
  return { ...IN_LEFT, nowUs, levels: [{ rates: [[first, second]], permits: undefined }] };
}
