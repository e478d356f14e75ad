/**
 * The embedded store: the same decisions as in Redis, in this process, by the kernels themselves.
 *
 * @module
 */

import type { Mark } from "../../algorithms/kernel.ts";
import type { RateLimit } from "../../algorithms/limit.ts";
import { kernelOf, type RateState } from "../../algorithms/kernels.ts";
import { brand } from "../../base/brand.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import { ClosedError } from "../../base/errors.ts";
import { MAX_PLAIN_KEY } from "../../base/short_key.ts";
import { inMicrotask } from "../../base/turn.ts";
import type { Board } from "../board.ts";
import { newStoreCheck, type StoreCheck } from "../check.ts";
import { correctedName, staysUs } from "../correction.ts";
import type {
  BlockRequest,
  CorrectRequest,
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
  TargetDetails,
  TargetLevel,
  WakeupListener,
} from "../store.ts";
import { waiterId } from "../waiter_id.ts";
import { MemoryBoard } from "./board.ts";
import { levelsOf } from "./entry_table.ts";
import type { Entry } from "./entry.ts";
import { StateTable } from "./state_table.ts";
import { MemoryTransaction } from "./transaction.ts";
import { alsoRefunded } from "./sections.ts";
import { type LeaseHost, takePermits } from "./take_permits.ts";
import { takeRates } from "./take_rates.ts";
import { takeRow } from "./take_row.ts";

/** How a memory store is made. */
export interface MemoryStoreOptions {
  /** The most keys held at once, from 1; past it the state nearest to fresh is forgotten first. @default {1_000_000} */
  readonly maxKeys?: number;
  /** Where it takes its time from. @default the machine's clock */
  readonly clock?: Clock;
}

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
  readonly #listeners = new Map<string, WakeupListener>();
  readonly #host: LeaseHost = {
    ledgerOf: (target) => this.#table.read(target, this.#clock.nowUs()).ledger,
    freed: (target) => new MemoryTransaction(this.#table, this.#listeners, this.#clock.nowUs(), false).promote(target),
    nowUs: () => this.#clock.nowUs(),
  };
  #leases = 0;
  #closed = false;

  /**
   * An empty store.
   *
   * @param options How to make it.
   */
  constructor(options: MemoryStoreOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.board = new MemoryBoard(this.#clock);
    this.#table = new StateTable(options.maxKeys ?? 1_000_000, () => this.#clock.nowUs());
  }

  /** How many keys are held. */
  get size(): number {
    return this.#table.size;
  }

  /** What is kept for a target, for tests that compare stores. */
  statesOf(target: Target): readonly RateState[] {
    return this.#table.stored(target).states;
  }

  /** Runs a request at once. */
  execute<Request extends StoreRequest>(request: Request): ReplyTo<Request> | Promise<ReplyTo<Request>> {
    if (this.#closed) throw new ClosedError("the memory store");
    const nowUs = this.#clock.nowUs();
    const reply = request.op === "take" ? this.#take(request, nowUs) : undefined;
    return (reply ?? this.#run(request, nowUs)) as ReplyTo<Request>;
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
    if (mode === "peek" && target.isHash) return undefined;
    if (policy.maxConcurrent > 0) return id === "" && mode === "now" ? this.#lease(request, target, nowUs) : undefined;
    const table = this.#table;
    const keys = table.keysOf(limiter, policy);
    return keys.rowTable === undefined
      ? takeRates(table, keys, key, cost, nowUs, mode, maxWaitUs)
      : takeRow(table, keys, keys.rowTable, key, cost, nowUs, mode, maxWaitUs, left);
  }

  /** Takes permits that are known to their holder alone. */
  #lease(request: TakeRequest, target: Target, nowUs: number): TakeReply {
    const permits = takePermits(this.#table, target, this.#host, nowUs);
    if (permits !== undefined) return permits;
    const { slots, cost, policy: { leaseTtlUs } } = target;
    const parts = { instance: "here", sequence: ++this.#leases, direct: true, maxWaitUs: 0, slots, cost, leaseTtlUs };
    const id = waiterId(parts);
    const reply = this.#run({ ...request, id }, nowUs) as TakeReply;
    if (reply.status !== "allowed") return reply;
    const transaction = () => new MemoryTransaction(this.#table, this.#listeners, this.#clock.nowUs(), false);
    return {
      ...reply,
      lease: {
        release: (one) => void transaction().release(one, id),
        renew: (one) => transaction().renew(one, id),
      },
    };
  }

  #run(request: StoreRequest, nowUs: number): TakeReply | DoneReply {
    const peeks = request.op === "take" && request.mode === "peek";
    if (!peeks && request.op !== "release" && request.op !== "renew") {
      for (const target of request.targets) this.#table.settle(target, nowUs);
    }
    const transaction = new MemoryTransaction(this.#table, this.#listeners, nowUs, peeks);
    switch (request.op) {
      case "take":
        if (request.times !== undefined) return takeTimes(transaction, request, request.times);
        return peeks && request.details !== undefined
          ? { ...transaction.take(request), details: this.#details(request.targets, request.details, nowUs) }
          : transaction.take(request);
      case "poll":
        return transaction.poll(request);
      case "release":
        return done(nowUs, [sum(request.targets.map((target) => transaction.release(target, request.id)))]);
      case "renew":
        return done(nowUs, request.targets.map((target) => transaction.renew(target, request.id) ? 1 : 0));
      case "giveBack":
        return this.#giveBack(request, nowUs);
      case "refund":
        for (const target of request.targets) {
          const entry = this.#table.read(target, nowUs);
          if (entry.others !== undefined) entry.others = alsoRefunded(entry.others, nowUs, target.cost);
          this.#table.write(target, entry, nowUs);
        }
        return this.#correct(request.targets, nowUs, (rate, state, target) => {
          return kernelOf(rate).refund(state, nowUs, target.cost, rate);
        });
      case "penalize":
        for (const target of request.targets) transaction.penalize(target);
        return done(nowUs, [], request.targets.map((target) => this.#level(target, nowUs)));
      case "block":
        return this.#block(request, transaction, nowUs);
      case "reset":
        for (const target of request.targets) transaction.reset(target);
        this.#announce(request, nowUs);
        return done(nowUs, [], request.targets.map((target) => this.#level(target, nowUs)));
    }
  }

  #giveBack(request: GiveBackRequest, nowUs: number): DoneReply {
    return this.#correct(request.targets, nowUs, (rate, state, target, i) => {
      const marks = request.marks[request.targets.indexOf(target)] as readonly Mark[];
      return kernelOf(rate).giveBack(state, nowUs, target.cost, marks[i] as Mark, rate);
    });
  }

  #block(request: BlockRequest, transaction: MemoryTransaction, nowUs: number): DoneReply {
    for (const target of request.targets) {
      const entry = this.#table.read(target, nowUs);
      const endsUs = request.durationUs > 0 ? nowUs + request.durationUs : 0;
      if (!request.keepLonger || endsUs > entry.blockedUs) entry.blockedUs = endsUs;
      this.#table.write(target, entry, nowUs);
      if (request.durationUs === 0) transaction.promote(target);
    }
    this.#announce(request, nowUs);
    return done(nowUs, [], request.targets.map((target) => this.#level(target, nowUs)));
  }

  /** Tells all other instances of a correction. */
  #announce(request: BlockRequest | CorrectRequest, nowUs: number): void {
    const { targets, from } = request;
    const op = request.op === "block" ? "block" : "reset";
    for (const listener of this.#listeners.values()) {
      if (from === undefined || listener.instance === from) continue;
      inMicrotask(() => {
        for (const target of targets) {
          listener.corrected?.({ name: correctedName(target), op, nowUs, durationUs: staysUs(request) });
        }
      });
    }
  }

  #correct(
    targets: readonly Target[],
    nowUs: number,
    change: (rate: RateLimit, state: RateState, target: Target, i: number) => RateState,
  ): DoneReply {
    for (const target of targets) {
      const entry: Entry = this.#table.read(target, nowUs);
      entry.states = target.policy.rates.map((rate, i) => change(rate, entry.states[i] as RateState, target, i));
      this.#table.write(target, entry, nowUs);
    }
    return done(nowUs, [], targets.map((target) => this.#level(target, nowUs)));
  }

  #details(
    targets: readonly Target[],
    asked: readonly (readonly (readonly number[])[])[],
    nowUs: number,
  ): TargetDetails[] {
    return targets.map((target, i): TargetDetails => {
      const { blockedUs, states, ledger } = this.#table.read(target, nowUs);
      const waitsUs = target.policy.rates.map((rate, place) => {
        const state = states[place] as RateState;
        return (asked[i]?.[place] ?? []).map((units) => kernelOf(rate).earliest(state, nowUs, units, rate) - nowUs);
      });
      const processes = (ledger?.live(nowUs) ?? 0) > 0 ? 1 : 0;
      return { blockedUs: Math.max(blockedUs - nowUs, 0), waitsUs, waiting: ledger?.waiting ?? 0, processes };
    });
  }

  #level(target: Target, nowUs: number): TargetLevel {
    return { rates: levelsOf(target.policy, this.#table.read(target, nowUs), nowUs), slots: undefined };
  }
}

/** Takes as often as it is allowed: units taken together are admitted exactly if they all would be one by one. */
function takeTimes(transaction: MemoryTransaction, request: TakeRequest, times: number): TakeReply {
  const [target] = request.targets as [Target];
  const taking = (count: number, mode: TakeRequest["mode"]): TakeReply =>
    transaction.take({ ...request, mode, targets: [{ ...target, cost: target.cost * Math.max(count, 1) }] });
  let [low, high] = [0, times];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (taking(middle, "peek").status === "allowed") low = middle;
    else high = middle - 1;
  }
  return { ...taking(low, request.mode), times: low };
}

function done(nowUs: number, counts: readonly number[], levels: readonly TargetLevel[] = []): DoneReply {
  return { nowUs, counts, levels };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
