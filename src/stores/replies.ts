/**
 * What a store answers.
 *
 * @module
 */

import type { Level, Mark } from "../algorithms/kernel.ts";
import type { PollRequest, StoreRequest, TakeRequest, Target } from "./requests.ts";

/**
 * The outcome of a take.
 *
 * - `allowed`: Taken.
 * - `queued`: The call waits for permits, and a wakeup will come.
 * - `rate`: Denied: a rate is used up.
 * - `blocked`: Denied: the key is blocked.
 * - `permits`: Denied: all permits are held.
 * - `queue_full`: Denied: `maxWaiters` calls wait already.
 */
export type TakeStatus = "allowed" | "queued" | "rate" | "blocked" | "permits" | "queue_full";

/** Where the permits of a target stand. */
export interface PermitLevel {
  /** Permits in use. */
  readonly used: number;
  /** Microseconds until one of them falls free by itself, if its holder stopped renewing it now. */
  readonly freeInUs: number;
  /** The fencing token of a lease that was just granted: above every one before it on this key. Else 0. */
  readonly fence: number;
}

/** Where a target stands. */
export interface TargetLevel {
  /** One for each rate of the policy, in its order. */
  readonly rates: readonly Level[];
  /** Present where the policy has permits. */
  readonly permits: PermitLevel | undefined;
  /** For each rate, what a mark of this take holds besides the level (`Kernel.trace`). Absent where that is nothing. */
  readonly traces?: readonly (readonly number[] | undefined)[] | undefined;
  /**
   * Of a request over several targets that is `blocked`: how long this one is, or, where a store knows no better, until its
   * rates agree too, in microseconds; absent if it is not.
   */
  readonly blockedUs?: number | undefined;
}

/** What a peek that asks for it tells of a target besides its level. */
export interface TargetDetails {
  /** How long it is blocked, in microseconds; 0 if it is not. */
  readonly blockedUs: number;
  /** For each rate: how long it takes until the units are free that the request asks for, in microseconds. */
  readonly waitsUs: readonly (readonly number[])[];
  /** How many calls wait for its permits, of all processes. */
  readonly waiting: number;
  /** How many processes hold its permits; -1 where that was not counted. */
  readonly processes: number;
}

/** What a store answers to a take or a poll. */
export interface TakeReply {
  /** What became of it. */
  readonly status: TakeStatus;
  /** The store's clock at the decision. */
  readonly nowUs: number;
  /** Allowed: how long until its instant. Queued: after how long to ask again. Denied: when it could be allowed. */
  readonly waitUs: number;
  /** Queued: when it arrived. */
  readonly arrivalUs: number;
  /** Where each target stands afterwards. */
  readonly levels: readonly TargetLevel[];
  /** Of a request with `details`: those of each target. */
  readonly details?: readonly TargetDetails[] | undefined;
  /** Of a request with `times`: how often it was taken, from 0. It is allowed if that is at least once. */
  readonly times?: number | undefined;
  /** Whether all of it was taken by an earlier request of this id, whose reply may be lost: nothing was taken again. */
  readonly repeated?: boolean | undefined;
  /** Of a poll: whether the store had lost its place, so that it may have lost those of other calls too. */
  readonly forgotten?: boolean | undefined;
  /** The fencing token, where it is known without the levels. */
  readonly fence?: number | undefined;
  /** The permits, where a store that `answersAtOnce` has granted some to a request without an id. */
  readonly lease?: LocalLease | undefined;
}

/** What a take from targets left behind in each rate, for giving it back. */
export function marksOf(targets: readonly Target[], { nowUs, waitUs, levels, times = 1 }: TakeReply): Mark[][] {
  const atUs = nowUs + waitUs;
  return levels.map(({ rates, traces }, i) => {
    const cost = (targets[i] as Target).cost * times;
    return rates.map((level, rate) => ({ nowUs, atUs, cost, level, trace: traces?.[rate] }));
  });
}

/** The reply to a take that was allowed, where all else that it says stands in the request's `left`. */
export const IN_LEFT: TakeReply = Object.freeze({ status: "allowed", nowUs: 0, waitUs: 0, arrivalUs: 0, levels: [] });

/** Permits that are held in a store inside this process. Both ask for their target as it is now. */
export interface LocalLease {
  /** Gives them back; only the first time. */
  release(target: Target): void;
  /** Holds them for the full time from now on. Returns whether they are held. */
  renew(target: Target): boolean;
}

/** What a store answers to every other request. */
export interface DoneReply {
  /** The store's clock at the decision. */
  readonly nowUs: number;
  /**
   * `release`: one number, how many leases and places ended. `renew`: for each target 1 if held, 0 if lost. `penalize`: for
   * each target 1 if it was charged, 0 if that would be for a time after the year 2184.
   */
  readonly counts: readonly number[];
  /** Corrections: where each target stands afterwards. */
  readonly levels: readonly TargetLevel[];
}

/** The answer to a request of a kind. */
export type ReplyTo<Request extends StoreRequest> = Request extends TakeRequest | PollRequest ? TakeReply : DoneReply;
