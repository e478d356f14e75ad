/**
 * The contract of a store: it holds the state of keys and runs requests on it, each atomically.
 *
 * @module
 */

import type { Level, Mark } from "../algorithms/kernel.ts";
import type { StoreError } from "../base/errors.ts";
import type { NamedPolicy, Policy } from "../policy/policy.ts";
import type { Board } from "./board.ts";
import type { StoreCheck } from "./check.ts";
import type { StoreInspection } from "./inspection.ts";

/** One key of one limiter, and the cost and permits that a request takes from it. */
export interface Target extends NamedPolicy {
  /** Who is limited; undefined for the limiter as a whole. */
  readonly key: string | undefined;
  /** Units to take from every rate, from 1 to `policy.capacity`. */
  readonly cost: number;
  /** Slots to take; 0 where the policy has none. */
  readonly slots: number;
  /** Whether the key is what `listKeys` told of a long key: not the key itself, but its hash. @default {false} */
  readonly isHash?: boolean;
}

/**
 * Takes from all targets or from none. `now` decides at once, `peek` tells what `now` would without writing, `wait`
 * takes for the earliest possible instant: rates alone are taken for it; where slots are involved, the request queues.
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
  /** Names the leases and the place in the queue; made by `waiterId`. May be empty where no target takes slots. */
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
  /** The targets whose slots are held. */
  readonly targets: readonly Target[];
  /** The id they are held under. */
  readonly id: string;
}

/** Extends leases by their full time to live. */
export interface RenewRequest {
  /** Which request this is. */
  readonly op: "renew";
  /** The targets whose slots are held. */
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

/** Anything that can be asked of a store. */
export type StoreRequest =
  | TakeRequest
  | PollRequest
  | ReleaseRequest
  | RenewRequest
  | GiveBackRequest
  | CorrectRequest
  | BlockRequest;

/**
 * The outcome of a take.
 *
 * - `allowed`: Taken.
 * - `queued`: The call waits for permits, and a wakeup will come.
 * - `rate`: Denied: a rate is used up.
 * - `blocked`: Denied: the key is blocked.
 * - `slots`: Denied: all permits are held.
 * - `queue_full`: Denied: `maxWaiters` calls wait already.
 */
export type TakeStatus = "allowed" | "queued" | "rate" | "blocked" | "slots" | "queue_full";

/** Where the slots of a target stand. */
export interface SlotLevel {
  /** Slots in use. */
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
  /** Present where the policy has slots. */
  readonly slots: SlotLevel | undefined;
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

/** Where a store that `answersAtOnce` may write what an allowed take from one limit leaves behind. */
export interface LevelLeft {
  /** The store's clock at the decision. */
  nowUs: number;
  /** The first number of the level. */
  first: number;
  /** The second number of the level. */
  second: number;
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
  /** `release`: one number, how many leases and places ended. `renew`: for each target 1 if held, 0 if lost. */
  readonly counts: readonly number[];
  /** Corrections: where each target stands afterwards. */
  readonly levels: readonly TargetLevel[];
}

/** The answer to a request of a kind. */
export type ReplyTo<Request extends StoreRequest> = Request extends TakeRequest | PollRequest ? TakeReply : DoneReply;

/** A message for a waiting call: it was served, or it should ask again after `waitUs`. */
export interface Wakeup {
  /** The id it queues under. */
  readonly id: string;
  /** What happened. */
  readonly kind: "granted" | "turn";
  /** As a poll would answer; of a turn, only the times are meaningful. */
  readonly reply: TakeReply;
}

/** A correction after which the instants of waiting calls do not hold any more. */
export interface Correction {
  /** Names the key of the limiter, the same in every process. */
  readonly name: string;
  /** `reset`: what was taken until then is forgotten. `block`: it stands, also where a block was lifted. */
  readonly op: "reset" | "block";
  /** The store's clock at the correction. */
  readonly nowUs: number;
  /**
   * Calls that wait at least so long from then on may stay as they are, in microseconds; `Infinity` where all of them
   * must ask again.
   */
  readonly durationUs: number;
}

/** Where wakeups go. */
export interface WakeupListener {
  /** The process, as it stands in ids; without dots. */
  readonly instance: string;
  /** Whether a call waits for a wakeup. @default {true} */
  readonly isAwaited?: boolean;
  /** The target that an id queues on, if it does. */
  targetOf(id: string): Target | undefined;
  /** Takes a wakeup for an id of this instance. */
  wakeup(wakeup: Wakeup): void;
  /** Wakeups may have been missed: waiting calls should ask again. */
  missed(): void;
  /** Takes news of a correction by another instance. */
  corrected?(correction: Correction): void;
}

/** What is on its way to a store. */
export interface StoreLoad {
  /** Requests that wait to be sent. */
  readonly queued: number;
  /** Calls that were sent and not answered, each of them for one request or many. */
  readonly calls: number;
}

/** Takes the outcome of a request: exactly one of the two is called, once. Neither may throw. */
export interface ReplySink<Reply> {
  /** The store has answered. */
  answered(reply: Reply): void;
  /** There is no reply, and why. */
  failed(error: unknown): void;
}

/** Which rules are in use for a limiter, where processes differ. */
export interface RulesReport {
  /** The limiter's id. */
  readonly limiter: string;
  /** The rules of this process, in words. */
  readonly rules: string;
  /** Those of other processes; empty where there are none any more. */
  readonly others: readonly string[];
}

/** Takes a call that was answered, or has failed. Must not throw. */
export type StoreCallReport = (requests: number, durationUs: number, isFailed: boolean) => void;

/** A key of a limiter for which a store holds something. */
export interface StoredKey {
  /** The key; undefined for the limiter as a whole. */
  readonly key: string | undefined;
  /** Whether the store knows only the hash of a long key: `key` is what a target with `isHash` needs then. */
  readonly isHash: boolean;
}

/** Which keys of a limiter to list. */
export interface KeyQuery extends NamedPolicy {
  /** What the keys begin with. Hashes of long keys are left out where it is given. @default {""} */
  readonly prefix?: string | undefined;
}

/** A store. Implementations pass the conformance suite in `@ratesync/core/testing`. */
export interface Store {
  /** What kind of store it is: `memory`, `redis`. */
  readonly engine: string;
  /** Whether it is inside this process, with this process' clock: asking costs nothing. @default {false} */
  readonly isLocal?: boolean;
  /**
   * Where it `isLocal`: whether `execute` answers before it returns and keeps nothing of it: one request serves many calls, each
   * with other targets. Permits for one target may be asked for without an id, in mode `now`; the reply is their `lease`.
   * @default {false}
   */
  readonly answersAtOnce?: boolean;
  /** What is on its way to it at this moment, where anything can be. */
  readonly load?: StoreLoad | undefined;
  /** Why nothing that is asked now can be sent, where there is no connection yet; undefined where there is one. */
  readonly unreached?: StoreError | undefined;
  /**
   * Runs one request, as a whole or not at all. Requests on one key take effect in the order in which they were asked.
   * A store may send many together: one that fails leaves the others alone.
   *
   * @param request The request.
   * @param signal Gives up a request that has not been sent: it rejects with the signal's reason and takes nothing.
   *   Once it was sent, the signal does nothing: the reply says what was taken.
   * @returns The reply: at once from a store inside this process, else its promise.
   * @throws {StoreError} If the store could not be reached, not in time, or refused; a request that may have run is
   *   not repeated. Thrown, or rejected with.
   */
  execute<Request extends StoreRequest>(
    request: Request,
    signal?: AbortSignal,
  ): ReplyTo<Request> | Promise<ReplyTo<Request>>;
  /**
   * As `execute` for a take or a release, but hands the outcome to `sink`, not before this returns: so that a hot path
   * needs no promise of its own for each.
   */
  submit?<Request extends TakeRequest | ReleaseRequest>(request: Request, sink: ReplySink<ReplyTo<Request>>): void;
  /** Sets up the way back for those who queue; must have resolved before the first one of the instance does. */
  listen(listener: WakeupListener): Promise<void>;
  /** Has `report` called when other processes are found to use other rules for a limiter, and when none is any more. */
  watchRules?(report: (report: RulesReport) => void): void;
  /**
   * Has `report` called when a call was answered or has failed: for how many requests it was, and how long it took, in
   * microseconds. Absent where asking costs nothing.
   */
  watchCalls?(report: StoreCallReport): void;
  /** Where processes that share the store leave reports while there is a watcher; absent of a store that has no such place. */
  readonly board?: Board | undefined;
  /**
   * The keys of a limiter for which it holds something, in no order: also those whose limits are whole again, until they are
   * forgotten. It looks in steps that delay no decision. A key that is added or changes meanwhile may be left out or come
   * twice.
   */
  listKeys?(query: KeyQuery): AsyncIterable<StoredKey>;
  /** Forgets every key of this store. */
  resetAll(): Promise<void>;
  /** Opens what must be opened, and rejects with what is wrong if it cannot be. */
  connect(): Promise<void>;
  /**
   * Begins to connect before anything is asked, so that the first call need not wait for all of it. The process may end
   * meanwhile. The first call reports what goes wrong.
   */
  prepare?(): void;
  /**
   * Looks at what the store needs to decide, and tells what is wrong and what to do. Changes nothing, never rejects
   * because the store cannot be reached, and resolves within two seconds.
   *
   * @param policies The rules that it has to decide by: it tells if it cannot do what they need.
   */
  check?(policies?: readonly Policy[]): Promise<StoreCheck>;
  /**
   * Looks closely at the store, for people who operate it: at its servers, the rules that processes use, and some keys.
   * Changes nothing, never rejects, and resolves within three seconds.
   *
   * @param limiters The limiters that are asked about.
   */
  inspect?(limiters: readonly NamedPolicy[]): Promise<StoreInspection>;
  /** Lets requests in flight finish and closes what this store has opened. */
  close(): Promise<void>;
}
