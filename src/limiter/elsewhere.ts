/**
 * Calls on one key of a store that does not answer at once: decided by what this process knows, else by the pipeline.
 *
 * @module
 */

import { Decision, type Permit } from "../decision/decision.ts";
import type { TakeReply } from "../stores/store.ts";
import { Call } from "./call.ts";
import { maxWaitUs } from "./call_options.ts";
import type { HERE } from "./here.ts";
import { NO_WAIT, start, take } from "./pipeline.ts";
import { ACQUIRE, TRY } from "./result/answers.ts";
import type { StoreAccess } from "./store_access.ts";
import type { StoreSession } from "./store_session.ts";
import type { LimiterRules } from "./target.ts";

/** Those calls. */
export const ELSEWHERE: typeof HERE = { tryAcquire, tryAcquireSync, acquire };

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
  const denial = shortcuts === undefined || shortcuts.denials.isEmpty ? undefined : shortcuts.denied(targets[0], 0);
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
  const limit = { maxWaitUs: maxWaitUs(timeoutMs, [rules.policy]), signal };
  return start(session, access, rules.targetsOf(key, cost), ACQUIRE, limit);
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
