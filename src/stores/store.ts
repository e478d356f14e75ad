/**
 * The contract of a store: it holds the state of keys and runs requests on it, each atomically. Requests and replies are in
 * files of their own, which belong to it.
 *
 * @module
 */

import type { StoreError } from "../base/errors.ts";
import type { NamedPolicy, Policy } from "../policy/policy.ts";
import type { Board } from "./board.ts";
import type { StoreCheck } from "./check.ts";
import type { StoreInspection } from "./inspection.ts";
import type { ReplyTo, TakeReply } from "./replies.ts";
import type { GiveBackRequest, ReleaseRequest, StoreRequest, TakeRequest, Target } from "./requests.ts";

export * from "./replies.ts";
export type * from "./requests.ts";

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
  /** What kind of store it is: `memory`, `redis`, `postgres`, `nats`, or a word of its own. */
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
  /**
   * Where it `answersAtOnce`: gives units back for callers who have left, of whom thousands may leave in one turn of the
   * event loop. It does so for all of them together: before any other request, and at the end of the turn at the latest.
   * Must not throw. Where it is absent, each is a request.
   */
  giveBackSoon?(request: GiveBackRequest): void;
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
   * @param isBackground Whether the process may end meanwhile: nothing waits for the report but the process itself.
   */
  check?(policies?: readonly Policy[], isBackground?: boolean): Promise<StoreCheck>;
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
