/**
 * What limiters do at an open store but for calls on one key, which are in `here.ts` and `elsewhere.ts`. Loaded with the first
 * store and not later, so that a call takes effect in order, also where its caller does not wait for it.
 *
 * @module
 */

import type { WaitLimit } from "./call.ts";
import type { Explanation } from "../decision/explain/explanation.ts";
import { start } from "./pipeline.ts";
import { ACQUIRE, EXPLAIN, PEEK, TRY } from "./result/answers.ts";
import type { Decision, Permit } from "../decision/decision.ts";
import type { StoreAccess } from "./store_access.ts";
import type { StoreSession } from "./store_session.ts";
import type { LimiterTarget } from "./target.ts";

export { block, penalize, refund } from "./corrections.ts";
export { reserve } from "./result/reservation.ts";

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
