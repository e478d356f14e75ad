/**
 * The Redis store: a batch of requests is one script call.
 *
 * @module
 */

import { brand } from "../../base/brand.ts";
import { systemClock } from "../../base/clock.ts";
import { withTimeout } from "../../base/deadline.ts";
import { ClosedError, StoreError } from "../../base/errors.ts";
import { groupBy } from "../../base/group_by.ts";
import { inNextTurn } from "../../base/turn.ts";
import type { NamedPolicy, Policy } from "../../policy/policy.ts";
import type { BatcherOptions } from "../batch.ts";
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
import { askAcrossSlots } from "./across_slots.ts";
import { RedisBoard } from "./board.ts";
import { checkRedis } from "./check.ts";
import { checkCluster } from "./check_cluster.ts";
import { ClusterCalls } from "./cluster_calls.ts";
import type { RedisConnection } from "./connections/connection.ts";
import { checkNoTag } from "./connections/settings/settings.ts";
import type { RedisStoreSettings } from "./store_settings.ts";
import { isRepeat, type NamedRequest, scriptOf } from "./named_request.ts";
import { hashSlot } from "./hash_slot.ts";
import { KeyNames } from "./keys.ts";
import { ClusterBatcher } from "./cluster_batcher.ts";
import { Inbox } from "./inbox.ts";
import type { Messages } from "./messages.ts";
import { PushedMessages } from "./pushed_messages.ts";
import { OrderedBatcher } from "./ordered_batcher.ts";
import { needsOf } from "./needs.ts";
import { withAdvice } from "./refusal.ts";
import { errorOf, type Reply, ScriptCalls } from "./script_calls.ts";
import { patternOf, storedKey } from "./stored_keys.ts";

/** The most requests of one script call: it keeps Redis busy for well under a millisecond. */
const MAX_BATCH = 128;

/** How long it may take to sign off from the registers of limiters, and how long a connection to end, in milliseconds. */
const SIGN_OFF_MS = 150;
const CLOSE_MS = 400;

/** How many requests may wait to be sent where nothing else is said. */
const MAX_QUEUED = 65_536;

/** A store in Redis. Its connection is closed with it. */
export class RedisStore implements Store {
  static {
    brand(this, "RedisStore");
  }

  /** What kind of store it is. */
  readonly engine: string = "redis";
  readonly #connection: RedisConnection;
  readonly #names: KeyNames;
  readonly #batcher: Batcher<NamedRequest, Reply> | ClusterBatcher | OrderedBatcher<NamedRequest, Reply>;
  readonly #messages: Messages;
  #checking: Promise<StoreCheck> | undefined;
  readonly #calls: ScriptCalls;
  readonly #clusterCalls: ClusterCalls | undefined;
  readonly #board: RedisBoard;
  readonly #rulesWatchers: ((report: RulesReport) => void)[] = [];
  readonly #callWatchers: StoreCallReport[] = [];

  /**
   * For a `RedisConnection` of your own; `createRedisStore()` makes the others. Nothing is connected yet.
   *
   * @param connection The client to use.
   * @param settings How to use it.
   * @throws {ConfigError} If the connection is one to a cluster, and the prefix has braces.
   */
  constructor(connection: RedisConnection, settings: RedisStoreSettings = {}) {
    this.#connection = connection;
    this.#names = new KeyNames(settings.keyPrefix ?? "rate_limit");
    const { cluster } = connection;
    if (cluster !== undefined) {
      checkNoTag(settings.keyPrefix);
      const isByNode = settings.clusterBatch !== "slot";
      this.#clusterCalls = new ClusterCalls(
        cluster,
        this.#names.common,
        (...call) => this.#calls.run(...call),
        isByNode,
      );
    }
    this.#calls = new ScriptCalls({
      connection,
      names: this.#names,
      settings,
      messages: () => this.#messages,
      divide: this.#clusterCalls && ((script, batch) => (this.#clusterCalls as ClusterCalls).run(script, batch)),
      report: (report) => this.#rulesWatchers.forEach((watcher) => watcher(report)),
    });
    this.#board = new RedisBoard({
      common: this.#names.common,
      isRest: connection.polls === true,
      run: (...call) => connection.run(...call),
      nowUs: systemClock.nowUs,
    });
    const batching: BatcherOptions<NamedRequest, Reply> = {
      send: (batch, nowUs) => {
        const replies = this.#calls.send(batch);
        if (nowUs >= this.#board.dueUs) this.#board.used(nowUs);
        return replies;
      },
      kindOf: scriptOf,
      keysOf: ({ keys }) => keys,
      joins: isRepeat,
      errorOf,
      afterSending: inNextTurn,
      watchers: this.#callWatchers,
      nowUs: systemClock.nowUs,
      maxBatch: MAX_BATCH,
      maxQueued: settings.maxQueued ?? MAX_QUEUED,
    };
    this.#batcher = cluster !== undefined
      ? new ClusterBatcher(cluster, batching)
      : connection.isUnordered
      ? new OrderedBatcher(batching)
      : new Batcher(batching);
    this.#messages = connection.polls
      ? new Inbox(() => this.#calls.send([]), () => connection.connect())
      : new PushedMessages(connection, this.#names.channel);
  }

  /** What is on its way to Redis. */
  get load(): StoreLoad {
    return this.#batcher.load;
  }

  /** Why nothing can be sent to Redis, where there is no connection yet. */
  get unreached(): StoreError | undefined {
    const { url = "Redis", isUp } = this.#connection;
    if (isUp === undefined || isUp()) return undefined;
    const reason = "connect_timeout";
    const tls = url.startsWith("rediss") ? "it may not speak TLS (redis://)" : "it may want TLS (rediss://)";
    const message = withAdvice(`Cannot reach Redis at ${url}: there is no connection yet; ${tls}`, reason);
    return new StoreError("STORE_UNAVAILABLE", message, { reason });
  }

  /** Where processes leave reports while there is a watcher. */
  get board(): Board {
    return this.#board;
  }

  /** Runs a request, in one script call together with other requests of the same moment. */
  execute<Request extends StoreRequest>(request: Request, signal?: AbortSignal): Promise<ReplyTo<Request>> {
    const reply = this.#connection.cluster === undefined || request.targets.length < 2
      ? this.#ask(request, signal)
      : this.#askCluster(request, signal);
    return reply as Promise<ReplyTo<Request>>;
  }

  #ask(request: StoreRequest, signal: AbortSignal | undefined): Promise<Reply> {
    return this.#batcher.ask(this.#calls.named(request), signal);
  }

  /** A script may only touch keys of one slot. */
  async #askCluster(request: StoreRequest, signal: AbortSignal | undefined): Promise<Reply> {
    const slots = request.targets.map((target) => hashSlot(this.#names.of(target)[0] ?? ""));
    const parts = [...groupBy([...slots.keys()], (place) => slots[place]).values()];
    if (parts.length === 1) return await this.#ask(request, signal);
    return await askAcrossSlots(request, parts, (part, until) => this.execute(part, until), signal);
  }

  /** As `execute`, for a take or a release; the outcome goes to a sink. */
  submit<Request extends TakeRequest | ReleaseRequest>(request: Request, sink: ReplySink<ReplyTo<Request>>): void {
    if (this.#connection.cluster === undefined || request.targets.length === 1) {
      this.#batcher.submit(this.#calls.named(request), sink as ReplySink<Reply>);
    } else {
      this.#askCluster(request, undefined).then(
        (reply) => sink.answered(reply as ReplyTo<Request>),
        (error) => sink.failed(error),
      );
    }
  }

  /** Subscribes to the channels of the instance and of corrections, or fetches its messages from now on. */
  listen(listener: WakeupListener): Promise<void> {
    return this.#messages.listen(listener);
  }

  /** Has `report` called when other processes are found to use other rules for a limiter. */
  watchRules(report: (report: RulesReport) => void): void {
    this.#rulesWatchers.push(report);
  }

  /** Has `report` called when a script call was answered or has failed. */
  watchCalls(report: StoreCallReport): void {
    this.#callWatchers.push(report);
  }

  /**
   * The keys of a limiter, by `SCAN`: on each primary of a cluster.
   *
   * @throws {StoreError} If the connection cannot list keys.
   */
  async *listKeys(query: KeyQuery): AsyncGenerator<StoredKey, void, void> {
    const names = this.#names;
    const pages = this.#connection.keys?.(patternOf(names, query));
    if (pages === undefined) {
      throw new StoreError("STORE_REFUSED", "Cannot list keys: this connection does not do that");
    }
    for await (const page of pages) {
      for (const name of page) {
        const stored = storedKey(name, names, query);
        if (stored !== undefined) yield stored;
      }
    }
  }

  /** Deletes every key that begins with this store's prefix, in steps. */
  async resetAll(): Promise<void> {
    await this.#connection.deleteByPrefix(this.#names.common);
    await this.#connection.deleteByPrefix(`{${this.#names.common}`);
    this.#messages.missed();
  }

  /** Connects. */
  connect(): Promise<void> {
    return this.#connection.connect();
  }

  /** Begins to connect, in the background; not through a client that was given. */
  prepare(): void {
    this.#connection.prepare?.();
  }

  /**
   * Looks at the server with one call, beside the decisions. Never rejects, and takes two seconds at most. A call while
   * another one is under way gets the same report.
   *
   * @param policies The rules to decide by: the report says what the server refuses of what they need.
   */
  check(policies: readonly Policy[] = []): Promise<StoreCheck> {
    const { cluster, polls = false } = this.#connection;
    const needs = needsOf(policies, `${this.#names.channel}%check`, polls);
    const look = () =>
      cluster === undefined
        ? checkRedis(this.#connection, this.#names.common, needs)
        : checkCluster(this.#connection, cluster, this.#names.common, needs, this.#clusterCalls?.advice);
    return this.#checking ??= look().finally(() => {
      this.#checking = undefined;
    });
  }

  /**
   * Looks closely at the servers, the registers of limiters and some keys. Never rejects, and takes three seconds at most.
   *
   * @param limiters The limiters whose registers are read.
   */
  async inspect(limiters: readonly NamedPolicy[]): Promise<StoreInspection> {
    const { inspectRedis } = await import("./inspect.ts");
    return await inspectRedis(this.#connection, this.#names, limiters);
  }

  /**
   * Refuses what waits to be sent, lets what is in flight finish for a moment, signs off from the registers of limiters, and
   * disconnects. Takes 550 ms at most, also where the server hangs.
   */
  async close(): Promise<void> {
    const error = new ClosedError("the Redis store");
    this.#messages.close();
    this.#batcher.close(error);
    if (this.#connection.isUp?.() !== false) {
      await withTimeout(this.#calls.close(), SIGN_OFF_MS, () => error).catch(() => {});
    }
    await withTimeout(this.#connection.close(), CLOSE_MS, () => error).catch((cause) => {
      if (cause !== error) throw cause;
    });
  }
}
