/**
 * Calls over several targets on one store.
 *
 * @module
 */

import type { WaitLimit } from "./call.ts";
import type { OpenStore } from "./open_store.ts";
import type { Decision, Permit } from "../decision/decision.ts";
import type { StoreAccess } from "./store_access.ts";
import type { LimiterTarget } from "./target.ts";

/** Decides now: takes from all targets, or from none. */
export async function tryAcquireAll(
  access: StoreAccess<OpenStore>,
  targets: readonly LimiterTarget[],
): Promise<Decision> {
  const open = access.open.store ?? await access.client();
  return await open.verbs.tryAcquireAll(open, access, targets);
}

/**
 * Takes from all targets as soon as that is possible.
 *
 * @throws {RateLimitedError} If the wait would be longer than the caller may wait: as soon as it is known.
 */
export async function acquireAll(
  access: StoreAccess<OpenStore>,
  targets: readonly LimiterTarget[],
  limit: WaitLimit,
): Promise<Permit> {
  const open = access.open.store ?? await access.client();
  return await open.verbs.acquireAll(open, access, targets, limit);
}
