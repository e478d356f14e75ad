/**
 * What an explanation says.
 *
 * @module
 */

import type { Algorithm } from "../../policy/options.ts";
import type { DenialReason } from "../outcome.ts";

/** What denied a call. None of it names the key, and there are few values of each: they fit labels of metrics. */
export interface DeniedBy {
  /** The id of the limiter that keeps the call out the longest. */
  readonly limiter: string;
  /** What kind of key it is: what the call or the guard says, else `key`, or `none` for the limiter as a whole. */
  readonly keyClass: string;
  /** The place of the limit in the limiter's rules, from 0, permits last; undefined if no limit denied. */
  readonly limit: number | undefined;
  /**
   * The limit in words, such as `100 per 1 min, sliding_window`. Without a limit: `block` (by `block()`, or a pause
   * that the processes of `limitedFetch` share), `pause` (one of this process alone) or `store` (it could not decide).
   */
  readonly rule: string;
}

/**
 * Where an explanation comes from.
 *
 * - `store`: The configured store.
 * - `deny_cache`: This process repeated a denial of the store that still holds.
 * - `token_lease`: This process decided from units that it had leased.
 * - `local`: The store could not decide; the memory of this process did.
 * - `failure_policy`: The store could not decide; `onStoreError` allowed or denied.
 */
export type ExplanationSource = "store" | "deny_cache" | "token_lease" | "local" | "failure_policy";

/** When so many units of a limit are free. */
export interface UnitsFree {
  /** How many units, or permits. */
  readonly units: number;
  /** How long until so many are free together, with no other traffic, in milliseconds; undefined where `reason` says why. */
  readonly afterMs: number | undefined;
  /**
   * Why there is no time.
   *
   * - `more_than_limit`: Never: the limit holds fewer.
   * - `held`: When their holders release them.
   * - `not_known`: The store was not asked for it: `explain()` of an instance asks.
   */
  readonly reason?: "more_than_limit" | "held" | "not_known";
}

/** The permits of a key. */
export interface ExplainedPermits {
  /** Permits that are held, by all processes. */
  readonly held: number;
  /** How many processes hold them; undefined where the store was not asked, or more than 1 000 permits are held. */
  readonly processes: number | undefined;
  /** How many calls wait for one, of all processes; undefined where the store was not asked. */
  readonly waiting: number | undefined;
  /**
   * When the first lease ends if its holder does not renew it, in milliseconds; undefined if none is held. A holder that
   * lives renews its lease.
   */
  readonly leaseEndsInMs: number | undefined;
}

/** One limit of a limiter. */
export interface ExplainedLimit {
  /** How it counts. */
  readonly algorithm: Algorithm;
  /** The limit in words: `100 per 1 min, sliding_window`. */
  readonly rule: string;
  /** The most units, or permits, that it holds. */
  readonly limit: number;
  /**
   * Units or permits in use, after this decision; more than `limit` where units were taken for later. Undefined where no
   * store has decided.
   */
  readonly used: number | undefined;
  /** Those that are left; undefined where no store has decided. */
  readonly remaining: number | undefined;
  /** What stands in it, in words of its algorithm. */
  readonly standing: string;
  /** Whether units are taken for later: by calls that wait, by reservations, or by a penalty. */
  readonly takenAhead: boolean;
  /** Whether it denies this call. */
  readonly denies: boolean;
  /** How long it alone denies a call of this cost, in milliseconds; 0 if it does not, undefined where that is not known. */
  readonly deniesForMs: number | undefined;
  /** When 1, 10 and all units are free. */
  readonly free: readonly UnitsFree[];
  /** Of a limit of permits: who holds them, and who waits. */
  readonly permits?: ExplainedPermits;
}

/** One limiter of a call, with the key that it was called for. */
export interface ExplainedLimiter {
  /** Its id. */
  readonly limiter: string;
  /** The key; undefined for the limiter as a whole. */
  readonly key: string | undefined;
  /** What kind of key it is. */
  readonly keyClass: string;
  /** The units that the call asks of it. */
  readonly cost: number;
  /** Whether it denies the call. */
  readonly denies: boolean;
  /** Whether the key is blocked, or a server has asked for a pause; undefined if neither is known. */
  readonly block: { readonly kind: "block" | "pause"; readonly endsInMs: number | undefined } | undefined;
  /** Its limits, in the order of its rules, permits last. */
  readonly limits: readonly ExplainedLimit[];
}

/** Why the configured store has not decided. */
export interface ExplainedOutage {
  /** The id of the store. */
  readonly store: string;
  /** The code of its error. */
  readonly code: string;
  /** The reason of its error, where there is one. */
  readonly reason: string | undefined;
  /** What its error said, without credentials. */
  readonly message: string;
  /** Since when it is not asked, in milliseconds since the Unix epoch; undefined if only single calls failed. */
  readonly sinceMs: number | undefined;
  /** What decided instead: `onStoreError`. */
  readonly policy: "local" | "allow" | "deny";
  /** The share of each limit that this process applies alone (`localShare`). */
  readonly localShare: number;
}

/**
 * Something that would change a denial.
 *
 * - `wait`: Time, with no other calls.
 * - `lower_cost`: A call of at most `units` is allowed now.
 * - `refund`: Giving `units` back (`refund()`) allows the call now.
 * - `release`: A holder releases a permit.
 * - `unblock`: `block()` with a duration of 0.
 * - `queue`: The calls that wait in front.
 * - `store`: The store decides again.
 */
export interface ExplainedChange {
  /** What it is. */
  readonly kind: "wait" | "lower_cost" | "refund" | "release" | "unblock" | "queue" | "store";
  /** The limiter that it is about. */
  readonly limiter: string;
  /** How long it takes by itself, in milliseconds, where that is known. */
  readonly afterMs?: number;
  /** Units, permits or calls, as the kind says. */
  readonly units?: number;
  /** The same as a sentence. */
  readonly text: string;
}

/** An explanation as data. All durations count from the decision. */
export interface ExplanationData {
  /** Whether the call is allowed. */
  readonly allowed: boolean;
  /** Why it is denied; undefined if it is allowed. */
  readonly reason: DenialReason | undefined;
  /** What denies it; undefined if it is allowed. */
  readonly deniedBy: DeniedBy | undefined;
  /** How long until it is allowed, with no other traffic, in milliseconds; 0 if it is. */
  readonly retryAfterMs: number;
  /** The whole of it in one or two sentences. */
  readonly summary: string;
  /** Who decided. */
  readonly source: ExplanationSource;
  /** Whether the store was asked for everything. A decision alone does not know all of it. */
  readonly complete: boolean;
  /** Each limiter of the call. */
  readonly limiters: readonly ExplainedLimiter[];
  /** Why the store has not decided; undefined if it has. */
  readonly outage: ExplainedOutage | undefined;
  /** What would change a denial; empty if the call is allowed. */
  readonly changes: readonly ExplainedChange[];
}
