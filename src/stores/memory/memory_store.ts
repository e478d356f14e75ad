/**
 * The embedded store: the same decisions as in Redis, in this process, by the kernels themselves.
 *
 * @module
 */

import type { Mark } from "../../algorithms/kernel.ts";
import type { RateState } from "../../algorithms/kernels.ts";
import { brand } from "../../base/brand.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import { ClosedError } from "../../base/errors.ts";
import { checkOptions, CLOCK } from "../../base/option_table.ts";
import { MAX_PLAIN_KEY } from "../../base/short_key.ts";
import { inMicrotask } from "../../base/turn.ts";
import { rejectUnknownOptions } from "../../base/unknown_options.ts";
import type { Board } from "../board.ts";
import { newStoreCheck, type StoreCheck } from "../check.ts";
import type {
  DoneReply,
  GiveBackRequest,
  KeyQuery,
  ReplyTo,
  Store,
  StoredKey,
  StoreRequest,
  TakeReply,
  TakeRequest,
  Target,
  WakeupListener,
} from "../store.ts";
import { waiterId } from "../waiter_id.ts";
import { MemoryBoard } from "./board.ts";
import { MEMORY_OPTIONS } from "./options.ts";
import type { RunContext } from "./run_context.ts";
import { runRequest } from "./run_request.ts";
import { StateTable, takeRow } from "./state_table.ts";
import { MemoryTransaction } from "./transaction.ts";
import { type LeaseHost, takePermits } from "./take_permits.ts";
import { takeRates } from "./take_rates.ts";

/** How a memory store is made. */
export interface MemoryStoreOptions {
  /** The most keys held at once, from 1; past it the state nearest to fresh is forgotten first. @default {1_000_000} */
  readonly maxKeys?: number;
  /** Where it takes its time from. @default the machine's clock */
  readonly clock?: Clock;
}

/** What a memory store keeps its state in. */
export interface MemoryParts {
  /** Its keys. @default a table of its own */
  readonly table?: StateTable;
  /** Where wakeups go, by instance. @default a map of its own */
  readonly listeners?: Map<string, WakeupListener>;
}

const OPTIONS = { maxKeys: MEMORY_OPTIONS.maxKeys, clock: { check: CLOCK } };

/** A store inside this process. It sets no timers, and forgets keys that are as good as fresh. */
export class MemoryStore implements Store {
  static {
    brand(this, "MemoryStore");
  }

  /** What kind of store it is. */
  readonly engine: string = "memory";
  /** It is inside this process. */
  readonly isLocal: boolean = true;
  /** It answers before `execute` returns. */
  readonly answersAtOnce: boolean = true;
  /** Where this process leaves reports while it is watched. */
  readonly board: Board;
  readonly #clock: Clock;
  readonly #table: StateTable;
  readonly #listeners: Map<string, WakeupListener>;
  readonly #host: LeaseHost = {
    ledgerOf: (target) => this.#table.read(target, this.#clock.nowUs()).ledger,
    freed: (target) => this.#transaction().promote(target),
    nowUs: () => this.#clock.nowUs(),
  };
  #leases = 0;
  /** What callers who have left give back, for `giveBackSoon`; undefined where that is nothing. */
  #owed: { readonly op: "giveBack"; readonly targets: Target[]; readonly marks: (readonly Mark[])[] } | undefined;
  #closed = false;

  /**
   * An empty store.
   *
   * @param options How to make it.
   * @throws {ConfigError} If an option is unknown or cannot be used.
   */
  constructor(options?: MemoryStoreOptions);
  /**
   * One that keeps its state in given parts, for stores that are made of this one.
   *
   * @internal
   */
  constructor(options: MemoryStoreOptions, parts: MemoryParts);
  constructor(options: MemoryStoreOptions = {}, parts: MemoryParts = {}) {
    rejectUnknownOptions(options, Object.keys(OPTIONS));
    checkOptions(options, OPTIONS);
    this.#clock = options.clock ?? systemClock;
    this.board = new MemoryBoard(this.#clock);
    this.#table = parts.table ?? new StateTable(options.maxKeys ?? 1_000_000);
    this.#listeners = parts.listeners ?? new Map();
  }

  /** How many keys are held. */
  get size(): number {
    return this.#table.size;
  }

  /**
   * What is kept for a target, for tests that compare stores.
   *
   * @internal
   */
  statesOf(target: Target): readonly RateState[] {
    return this.#table.stored(target, this.#clock.nowUs()).states;
  }

  /** Runs a request at once. */
  execute<Request extends StoreRequest>(request: Request): ReplyTo<Request> | Promise<ReplyTo<Request>> {
    if (this.#closed) throw new ClosedError("the memory store");
    if (this.#owed !== undefined) this.#giveBackOwed();
    const nowUs = this.#clock.nowUs();
    const reply = request.op === "take" ? this.#take(request, nowUs) : undefined;
    return (reply ?? this.#run(request, nowUs)) as ReplyTo<Request>;
  }

  /** Gives back before the next request, and before callers hear that they have left: each alone would take too long. */
  giveBackSoon({ targets, marks }: GiveBackRequest): void {
    if (this.#closed) return;
    if (this.#owed === undefined) {
      this.#owed = { op: "giveBack", targets: [], marks: [] };
      inMicrotask(() => this.#giveBackOwed());
    }
    this.#owed.targets.push(...targets);
    this.#owed.marks.push(...marks);
  }

  /** Remembers where wakeups for an instance go. */
  listen(listener: WakeupListener): Promise<void> {
    this.#listeners.set(listener.instance, listener);
    return Promise.resolve();
  }

  /** The keys of a limiter. */
  async *listKeys({ limiter, prefix = "" }: KeyQuery): AsyncGenerator<StoredKey, void, void> {
    for (const key of this.#table.keysIn(limiter)) {
      const isHash = key !== undefined && key.length > MAX_PLAIN_KEY;
      if (prefix === "" || (!isHash && key?.startsWith(prefix))) yield { key, isHash };
    }
  }

  /** Forgets everything. */
  resetAll(): Promise<void> {
    this.#owed = undefined;
    this.#table.clear();
    for (const listener of this.#listeners.values()) listener.missed();
    return Promise.resolve();
  }

  /** Nothing has to be opened. */
  connect(): Promise<void> {
    return Promise.resolve();
  }

  /** Tells how many keys are held. Nothing can be wrong but that it is closed. */
  check(): Promise<StoreCheck> {
    const { message } = new ClosedError("the memory store");
    return Promise.resolve(newStoreCheck({
      engine: this.engine,
      latencyMs: 0,
      clockOffsetMs: 0,
      keyCount: this.size,
      problems: this.#closed ? [{ kind: "unreachable", message, stopsDecisions: true }] : [],
    }));
  }

  /** Forgets everything; later requests are refused. */
  close(): Promise<void> {
    this.#closed = true;
    this.#owed = undefined;
    this.#table.clear();
    this.#listeners.clear();
    return Promise.resolve();
  }

  #take(request: TakeRequest, nowUs: number): TakeReply | undefined {
    const { targets, mode, maxWaitUs, times, id, left } = request;
    if (targets.length !== 1 || times !== undefined) return undefined;
    if (mode === "peek" && request.details !== undefined) return undefined;
    const target = targets[0] as Target;
    const { limiter, policy, key, cost } = target;
    if (target.isHash) return undefined;
    if (policy.maxConcurrent > 0) return id === "" && mode === "now" ? this.#lease(request, target, nowUs) : undefined;
    const table = this.#table;
    const keys = table.keysOf(limiter, policy, nowUs);
    return keys.rowTable === undefined
      ? takeRates(table, keys, key, cost, nowUs, mode, maxWaitUs)
      : takeRow(table, keys, keys.rowTable, key, cost, nowUs, mode, maxWaitUs, left);
  }

  /** Takes permits that are known to their holder alone. */
  #lease(request: TakeRequest, target: Target, nowUs: number): TakeReply {
    const taken = takePermits(this.#table, target, this.#host, nowUs);
    if (taken !== undefined) return taken;
    const { permits, cost, policy: { leaseTtlUs } } = target;
    const parts = { instance: "here", sequence: ++this.#leases, direct: true, maxWaitUs: 0, permits, cost, leaseTtlUs };
    const id = waiterId(parts);
    const reply = this.#run({ ...request, id }, nowUs) as TakeReply;
    if (reply.status !== "allowed") return reply;
    return {
      ...reply,
      lease: {
        release: (one) => void this.#transaction().release(one, id),
        renew: (one) => this.#transaction().renew(one, id),
      },
    };
  }

  #giveBackOwed(): void {
    const owed = this.#owed;
    if (owed === undefined) return;
    this.#owed = undefined;
    this.execute(owed);
  }

  #run(request: StoreRequest, nowUs: number): TakeReply | DoneReply {
    return runRequest(request, this.#context(nowUs));
  }

  #transaction(): MemoryTransaction {
    return new MemoryTransaction(this.#context(this.#clock.nowUs()), false);
  }

  #context(nowUs: number): RunContext {
    return { entries: this.#table, listeners: this.#listeners, nowUs, deliver: inMicrotask, processesOf: () => 1 };
  }
}
