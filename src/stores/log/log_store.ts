/**
 * A store over an ordered stream: a batch of requests is a message, every process applies all messages in their order to a
 * state of its own, and the one that sent a request answers it from there.
 *
 * @module
 */

import { brand } from "../../base/brand.ts";
import { systemClock } from "../../base/clock.ts";
import { ClosedError, ConfigError, StoreError } from "../../base/errors.ts";
import { inNextTurn } from "../../base/turn.ts";
import type { NamedPolicy } from "../../policy/policy.ts";
import { Batcher } from "../batcher.ts";
import type { Board } from "../board.ts";
import type { StoreCheck } from "../check.ts";
import type { StoreInspection } from "../inspection.ts";
import type {
  KeyQuery,
  ReleaseRequest,
  ReplySink,
  ReplyTo,
  RulesReport,
  Store,
  StoreCallReport,
  StoredKey,
  StoreLoad,
  StoreRequest,
  TakeRequest,
  WakeupListener,
} from "../store.ts";
import { LogBoard } from "./board.ts";
import { checkLog } from "./check.ts";
import { LogRequest } from "./log_request.ts";
import { joins } from "./message.ts";
import type { LogReply, Replica } from "./replica.ts";
import { RulesWatch } from "./rules_watch.ts";
import { Shard } from "./shard.ts";
import { shardOf } from "./shard_of.ts";
import { storedKeys } from "./stored_keys.ts";
import type { LogStream } from "./stream.ts";

/** How a store uses its stream. */
export interface LogStoreSettings {
  /**
   * Over how many shards the limiters are spread, a whole number from 1. A process reads the shards of the limiters that it
   * uses. One call over several limiters needs all of them in one shard. The same in every process. @default {1}
   */
  readonly shards?: number;
  /** How long a request may take, in milliseconds, before it fails with `STORE_TIMEOUT`. @default {5_000} */
  readonly answerTimeoutMs?: number;
  /** How many requests may wait to be sent; more fail with `STORE_OVERLOADED`. @default {65_536} */
  readonly maxQueued?: number;
  /** After how many requests a snapshot is stored, at least. @default {500_000} */
  readonly snapshotEvery?: number;
  /** After how many milliseconds a message that has not come back is sent again. @default {1_000} */
  readonly resendMs?: number;
  /**
   * How long others keep places for the waiting calls of this process when nothing comes of it, in milliseconds: of a process
   * that is gone, they are skipped after that. @default {10_000}
   */
  readonly aliveMs?: number;
  /** Takes what goes wrong in the background; with `true` if limits are weaker because of it, although no call fails. */
  readonly onError?: (error: StoreError, isWeaker?: boolean) => void;
}

/** The most requests of one message, without those that are like the one before. */
const MAX_BATCH = 128;

/** What each shard of a store holds in this process, as far as it was read: for tests and benches that compare processes. */
export let replicasOf: (store: LogStore) => (Replica | undefined)[];

/** A store over a stream, which is closed with it. */
export class LogStore implements Store {
  static {
    brand(this, "LogStore");
    replicasOf = (store) => store.#shards.map(({ replica }) => replica);
  }

  /** What kind of store it is: that of the stream. */
  readonly engine: string;
  /** Where processes leave reports while there is a watcher. */
  readonly board: Board;
  readonly #board: LogBoard;
  readonly #stream: LogStream;
  readonly #settings: LogStoreSettings;
  readonly #shards: readonly Shard[];
  readonly #batchers: readonly Batcher<LogRequest, LogReply>[];
  readonly #listeners = new Map<string, WakeupListener>();
  readonly #callWatchers: StoreCallReport[] = [];
  readonly #rules = new RulesWatch();
  #checking: Promise<StoreCheck> | undefined;
  #isClosed = false;

  /**
   * A store that connects when it is used.
   *
   * @param stream The stream.
   * @param settings How to use it.
   */
  constructor(stream: LogStream, settings: LogStoreSettings = {}) {
    this.engine = stream.engine;
    this.#stream = stream;
    this.#settings = settings;
    const board = new LogBoard((item) => this.#first.send([item]));
    this.board = this.#board = board;
    const { shards = 1, answerTimeoutMs = 5_000, resendMs = 1_000, snapshotEvery = 500_000 } = settings;
    const { aliveMs = 10_000, onError = () => {} } = settings;
    this.#shards = Array.from({ length: shards }, (_, place) =>
      new Shard({
        stream,
        name: String(place),
        answerTimeoutMs,
        resendMs,
        aliveMs,
        snapshotEvery,
        listeners: this.#listeners,
        rules: this.#rules,
        onError,
        noticed: (notice) => board.noticed(notice),
      }));
    this.#batchers = this.#shards.map((shard) => this.#batcherOf(shard));
  }

  get #first(): Shard {
    return this.#shards[0] as Shard;
  }

  #batcherOf(shard: Shard): Batcher<LogRequest, LogReply> {
    return new Batcher({
      send: (batch) => {
        this.#board.used();
        return shard.send(batch.map(({ request }) => request));
      },
      kindOf: () => undefined,
      keysOf: () => [],
      joins: (item, before) => joins(item.request, before.request),
      errorOf,
      afterSending: inNextTurn,
      watchers: this.#callWatchers,
      nowUs: systemClock.nowUs,
      maxBatch: MAX_BATCH,
      maxQueued: this.#settings.maxQueued ?? 65_536,
    });
  }

  /** What is on its way to the stream. */
  get load(): StoreLoad {
    const loads = this.#batchers.map(({ load }) => load);
    return loads.reduce((a, b) => ({ queued: a.queued + b.queued, calls: a.calls + b.calls }));
  }

  /** Why nothing can be sent, where there is no connection. */
  get unreached(): StoreError | undefined {
    const { url = this.engine } = this.#stream;
    if (this.#stream.isUp?.() !== false) return undefined;
    const message = `Cannot reach ${url}: there is no connection at the moment`;
    return new StoreError("STORE_UNAVAILABLE", message, { reason: "disconnected" });
  }

  /** Runs a request, in one message together with other requests of the same moment. */
  execute<Request extends StoreRequest>(request: Request, signal?: AbortSignal): Promise<ReplyTo<Request>> {
    try {
      return this.#batcherFor(request).ask(new LogRequest(request), signal) as Promise<ReplyTo<Request>>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** As `execute`, for a take or a release; the outcome goes to a sink. */
  submit<Request extends TakeRequest | ReleaseRequest>(request: Request, sink: ReplySink<ReplyTo<Request>>): void {
    if (this.#batchers.length === 1 || request.targets.length === 1) {
      this.#batcherFor(request).submit(new LogRequest(request), sink as ReplySink<LogReply>);
    } else this.execute(request).then((reply) => sink.answered(reply), (error) => sink.failed(error));
  }

  #batcherFor({ targets }: StoreRequest): Batcher<LogRequest, LogReply> {
    const count = this.#batchers.length;
    const place = count === 1 ? 0 : shardOf(targets[0]?.limiter ?? "", count);
    if (count > 1 && targets.some(({ limiter }) => shardOf(limiter, count) !== place)) {
      throw new ConfigError({
        path: "shards",
        expected: "all limiters of one call in one shard: fewer shards, or 1",
        received: targets.map(({ limiter }) => `${limiter} in shard ${shardOf(limiter, count)}`).join(", "),
      });
    }
    return this.#batchers[place] as Batcher<LogRequest, LogReply>;
  }

  /** Tells all processes that calls of an instance may wait from now on. */
  async listen(listener: WakeupListener): Promise<void> {
    this.#listeners.set(listener.instance, listener);
    await this.#first.open();
    await Promise.all(this.#shards.filter(({ isOpen }) => isOpen).map((shard) => shard.listen()));
  }

  /** Has `report` called when other processes are found to use other rules for a limiter. */
  watchRules(report: (report: RulesReport) => void): void {
    this.#rules.watch(report);
  }

  /** Has `report` called when a message was answered or has failed. */
  watchCalls(report: StoreCallReport): void {
    this.#callWatchers.push(report);
  }

  /** The keys of a limiter, from the state in this process, as it is when all that was sent before has been read. */
  async *listKeys(query: KeyQuery): AsyncGenerator<StoredKey, void, void> {
    const shard = this.#shardOf(query.limiter);
    await shard.send([{ op: "look" }]);
    const { replica } = shard;
    if (replica !== undefined) yield* storedKeys(replica.table, query);
  }

  /** Forgets every key, in all processes. */
  async resetAll(): Promise<void> {
    await Promise.all(this.#shards.map((shard) => shard.send([{ op: "clear" }])));
  }

  /** Connects, and reads what is there. */
  async connect(): Promise<void> {
    await this.#first.open();
  }

  /** Begins to connect and to read, in the background. */
  prepare(): void {
    this.#first.open().catch(() => {}); // the first call reports it
  }

  /**
   * Sends a message that changes nothing, and looks at the server. Never rejects, and takes two seconds at most. A call while
   * another one is under way gets the same report.
   */
  check(): Promise<StoreCheck> {
    return this.#checking ??= checkLog(this.#stream, this.#shards, this.#isClosed).finally(() => {
      this.#checking = undefined;
    });
  }

  /**
   * Looks closely, for people who operate the store, and changes nothing. Never rejects.
   *
   * @param limiters The limiters whose rules are read.
   */
  async inspect(limiters: readonly NamedPolicy[]): Promise<StoreInspection> {
    const { inspectLog } = await import("./inspect.ts");
    const placed = limiters.map((named) => ({ ...named, shard: this.#shardOf(named.limiter) }));
    return await inspectLog(this.#stream, this.#shards, placed);
  }

  #shardOf(limiter: string): Shard {
    return this.#shards[shardOf(limiter, this.#shards.length)] as Shard;
  }

  /** Refuses what waits to be sent, tells the others, and closes the stream. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const error = new ClosedError(`the ${this.engine} store`);
    for (const batcher of this.#batchers) batcher.close(error);
    await Promise.all(this.#shards.map((shard) => shard.close()));
    await this.#stream.close();
  }
}

/** An error of its own for each caller. */
function errorOf(cause: unknown): unknown {
  if (!(cause instanceof StoreError)) return cause;
  const { code, message, reason, retryAfterMs, isOfKey } = cause;
  return new StoreError(code, message, { cause, reason, retryAfterMs, isOfKey });
}
