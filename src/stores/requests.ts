/**
 * What can be asked of a store.
 *
 * @module
 */

import type { Mark } from "../algorithms/kernel.ts";
import type { NamedPolicy } from "../policy/policy.ts";

/** One key of one limiter, and the cost and permits that a request takes from it. */
export interface Target extends NamedPolicy {
  /** Who is limited; undefined for the limiter as a whole. */
  readonly key: string | undefined;
  /** Units to take from every rate, from 1 to `policy.capacity`. */
  readonly cost: number;
  /** Permits to take; 0 where the policy has none. */
  readonly permits: number;
  /** Whether the key is what `listKeys` told of a long key: not the key itself, but its hash. @default {false} */
  readonly isHash?: boolean;
}

/**
 * Takes from all targets or from none. `now` decides at once, `peek` tells what `now` would without writing, `wait`
 * takes for the earliest possible instant: rates alone are taken for it; where permits are involved, the request queues.
 * A store may queue a request over several targets in any case.
 */
export interface TakeRequest {
  /** Which request this is. */
  readonly op: "take";
  /** The targets, at most one for a key. */
  readonly targets: readonly Target[];
  /** When to decide. */
  readonly mode: "now" | "wait" | "peek";
  /** The longest acceptable wait, in microseconds. */
  readonly maxWaitUs: number;
  /** Names the leases and the place in the queue; made by `waiterId`. May be empty where no target takes permits. */
  readonly id: string;
  /** When a request that queues again first arrived, as its reply told; 0 for a new one. */
  readonly arrivalUs: number;
  /**
   * How often to take, one after the other, until a denial; the reply tells how often that was, and where the last one
   * left the level. Only for one target with a single token bucket, in mode `now`; all of it within the capacity.
   * @default {1}
   */
  readonly times?: number | undefined;
  /**
   * In mode `peek`: asks for `details` too. For each rate of each target, the units for which to tell how long they take
   * to be free, each at most the capacity of that rate. A store may leave the details out.
   */
  readonly details?: readonly (readonly (readonly number[])[])[] | undefined;
  /** Where a store that `answersAtOnce` may write what is left, so that it makes no reply: it returns `IN_LEFT` then. */
  readonly left?: LevelLeft | undefined;
}

/** Asks again for one that queues on a single target: was it served, and when should it ask next? */
export interface PollRequest {
  /** Which request this is. */
  readonly op: "poll";
  /** The target it queues on. */
  readonly targets: readonly [Target];
  /** The id it queues under. */
  readonly id: string;
  /** When it first arrived. */
  readonly arrivalUs: number;
}

/** Ends leases and places in queues. Only those of `id`; ending twice does nothing. */
export interface ReleaseRequest {
  /** Which request this is. */
  readonly op: "release";
  /** The targets whose permits are held. */
  readonly targets: readonly Target[];
  /** The id they are held under. */
  readonly id: string;
}

/** Extends leases by their full time to live. */
export interface RenewRequest {
  /** Which request this is. */
  readonly op: "renew";
  /** The targets whose permits are held. */
  readonly targets: readonly Target[];
  /** The id they are held under. */
  readonly id: string;
}

/** Gives units of an earlier take back; `cost` of each target says how many. */
export interface GiveBackRequest {
  /** Which request this is. */
  readonly op: "giveBack";
  /** The targets, with the units to give back as `cost`. */
  readonly targets: readonly Target[];
  /** For each target, what the take left behind in each of its rates. */
  readonly marks: readonly (readonly Mark[])[];
}

/** Corrections by operators. `refund` forgives `cost` units, `penalize` takes them whatever the limit says. */
export interface CorrectRequest {
  /** Which request this is. */
  readonly op: "refund" | "penalize" | "reset";
  /** The targets to correct. */
  readonly targets: readonly Target[];
  /** Of a reset: the instance that asks, as it listens. All other instances that listen hear of the correction. */
  readonly from?: string | undefined;
}

/** Denies everything on the targets for a while. */
export interface BlockRequest {
  /** Which request this is. */
  readonly op: "block";
  /** The targets to block. */
  readonly targets: readonly Target[];
  /** For how long from now, in microseconds; 0 lifts a block. */
  readonly durationUs: number;
  /** Leaves a block that stands and would end later as it is. @default {false} */
  readonly keepLonger?: boolean | undefined;
  /** The instance that asks, as it listens. All other instances that listen hear of the correction. */
  readonly from?: string | undefined;
}

/** Where a store that `answersAtOnce` may write what an allowed take from one limit leaves behind. */
export interface LevelLeft {
  /** The store's clock at the decision. */
  nowUs: number;
  /** The first number of the level. */
  first: number;
  /** The second number of the level. */
  second: number;
}

/** Anything that can be asked of a store. */
export type StoreRequest =
  | TakeRequest
  | PollRequest
  | ReleaseRequest
  | RenewRequest
  | GiveBackRequest
  | CorrectRequest
  | BlockRequest;
