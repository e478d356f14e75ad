/**
 * What decisions are made of.
 *
 * @module
 */

import type { NamedPolicy } from "../policy/policy.ts";
import type { Standing } from "../policy/status.ts";
import type { TargetDetails } from "../stores/store.ts";

/**
 * Why a call was denied.
 *
 * - `rate`: A rate limit has too few units left.
 * - `blocked`: `block()` denies the key.
 * - `concurrency`: All permits are held.
 * - `queue_full`: The call could have waited, but `maxWaiters` calls wait already.
 * - `store`: The store could not decide, and the failure policy denies.
 */
export type DenialReason = "rate" | "blocked" | "concurrency" | "queue_full" | "store";

/** What a decision is made of: a store's reply, or what stands in place of one. */
export interface Outcome extends Standing {
  /** What became of the call. */
  readonly status: keyof typeof REASONS;
  /** Denied: when it could be allowed, in microseconds. */
  readonly waitUs: number;
  /** What a store tells besides, if it was asked. */
  readonly details?: readonly TargetDetails[] | undefined;
  /** Who decided in place of the store, from what it had said. */
  readonly source?: "deny_cache" | "token_lease" | undefined;
  /** Whether it is `blocked` by a pause that a server has asked for. */
  readonly isPause?: boolean | undefined;
}

/** A limiter of a decision: of a call over several, with the key and the cost that it has there. */
export interface DecisionPart extends NamedPolicy {
  /** What the call says of the kind of the key. */
  readonly keyClass: string | undefined;
}

/** What stood in the way, by what became of a call. One that still queues is a denial, for now. */
export const REASONS = {
  allowed: undefined,
  rate: "rate",
  blocked: "blocked",
  permits: "concurrency",
  queued: "concurrency",
  queue_full: "queue_full",
  store: "store",
} as const;
