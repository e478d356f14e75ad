/**
 * What limiters do at an open store: how each call is made, and what it answers. Calls on one key of a store in this process
 * are in `here.ts`, which needs less. Loaded with the first store and not later, so that a call takes effect in order, also
 * where its caller does not wait for it.
 *
 * @module
 */

import { Decision, type Permit, RatePermit } from "../decision/decision.ts";
import type { Degradation } from "../decision/degradation.ts";
import type { Explanation } from "../decision/explain/explanation.ts";
import { decidingPlace, detailsFor } from "../decision/explain/of_decision.ts";
import type { Outcome } from "../decision/outcome.ts";
import { RateLimitedError } from "../decision/rate_limited_error.ts";
import type { TakeReply } from "../stores/store.ts";
import { Call, type CallKind, type KeyVerbs, type WaitLimit } from "./call.ts";
import { maxWaitUs } from "./call_options.ts";
import { NO_WAIT, start, take } from "./pipeline.ts";
import { HeldPermit } from "./result/held_permit.ts";
import type { StoreAccess } from "./store_access.ts";
import type { StoreSession } from "./store_session.ts";
import type { LimiterRules, LimiterTarget } from "./target.ts";

/** Calls on one key of a store that does not answer at once: decided by what this process knows, else by the pipeline. */
export const ELSEWHERE: KeyVerbs = { tryAcquire, tryAcquireSync, acquire };

/** Decides now on one key. */
function tryAcquire(
  session: StoreSession,
  access: StoreAccess,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
): Decision | Promise<Decision> {
  const { shortcuts } = session;
  if (rules.policy.tokenLeaseUs > 0) {
    return tryLeased(session, rules, key, cost) ?? start(session, access, rules.targetsOf(key, cost), TRY);
  }
  const targets = rules.targetsOf(key, cost);
  const denial = shortcuts?.denied(targets[0], 0);
  return denial === undefined
    ? take(new Call(targets, TRY, access, session, NO_WAIT, undefined))
    : decided(rules, key, cost, denial);
}

/** The same without a promise, from leased units. Undefined if too few are leased: then more are, for later calls. */
function tryAcquireSync(
  session: StoreSession,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
): Decision | undefined {
  if (rules.policy.tokenLeaseUs === 0) return undefined;
  const decision = tryLeased(session, rules, key, cost);
  if (decision === undefined) session.shortcuts?.begin(rules.targetsOf(key, cost)[0]);
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
  const waitUs = timeoutMs === undefined ? rules.maxWaitUs : maxWaitUs(timeoutMs, [rules.policy]);
  return start(session, access, rules.targetsOf(key, cost), ACQUIRE, { maxWaitUs: waitUs, signal });
}

/** Decides from units that this process has leased, without leasing more; undefined where the store has to be asked. */
function tryLeased(
  { shortcuts }: StoreSession,
  rules: LimiterRules,
  key: string | undefined,
  cost: number,
): Decision | undefined {
  const reply = shortcuts?.tokens.takeNow(rules.limiter, rules.policy, key, cost);
  return reply && decided(rules, key, cost, reply);
}

/** The decision of a reply that no store gave, counted. */
function decided(rules: LimiterRules, key: string | undefined, cost: number, reply: TakeReply): Decision {
  const { limiter, policy, named, recorder } = rules;
  recorder.spared(policy.tokenLeaseUs > 0);
  const decision = new Decision(limiter, key, cost, named, reply, true);
  recorder.decided(decision, 0, reply.nowUs, false, false);
  return decision;
}

/** Tells what `tryAcquire` would decide. Counts and takes nothing. */
export function peek(
  session: StoreSession,
  access: StoreAccess,
  targets: readonly LimiterTarget[],
): Decision | Promise<Decision> {
  return start(session, access, targets, PEEK);
}

/** Explains what `tryAcquire` would decide. Always asks the store; counts and takes nothing. */
export function explain(
  session: StoreSession,
  access: StoreAccess,
  targets: readonly LimiterTarget[],
): Explanation | Promise<Explanation> {
  return start(session, access, targets, EXPLAIN);
}

/** Decides now: takes from all targets, or from none. */
export function tryAcquireAll(
  session: StoreSession,
  access: StoreAccess,
  targets: readonly LimiterTarget[],
): Decision | Promise<Decision> {
  return start(session, access, targets, TRY);
}

/** Takes from all targets as soon as that is possible, within the time that the caller may wait: see `acquire`. */
export function acquireAll(
  session: StoreSession,
  access: StoreAccess,
  targets: readonly LimiterTarget[],
  limit: WaitLimit,
): Permit | Promise<Permit> {
  return start(session, access, targets, ACQUIRE, limit);
}

/** Whether a key is blocked now. Always asks the store, takes nothing and is remembered nowhere. */
export async function isBlocked({ store }: StoreSession, target: LimiterTarget): Promise<boolean> {
  const request = { op: "take", mode: "peek", targets: [target], maxWaitUs: 0, id: "", arrivalUs: 0 } as const;
  return (await store.execute(request)).status === "blocked";
}

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
  const decision = decisionOf(call.targets, outcome, false, call.degradation);
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
