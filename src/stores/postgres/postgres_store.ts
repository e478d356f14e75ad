/**
 * The PostgreSQL store: a batch of requests is one transaction.
 *
 * @module
 */

import { brand } from "../../base/brand.ts";
import { systemClock } from "../../base/clock.ts";
import { ClosedError, type StoreError } from "../../base/errors.ts";
import { withTimeout } from "../../base/deadline.ts";
import { inNextTurn } from "../../base/turn.ts";
import type { NamedPolicy, Policy } from "../../policy/policy.ts";
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
import { PostgresBoard } from "./board.ts";
import { BusyRows } from "./busy_rows.ts";
import { BucketBatches } from "./buckets/bucket_batches.ts";
import { checkPostgres } from "./check.ts";
import type { PostgresConnection } from "./connections/connection.ts";
import { Cleaner } from "./cleaner.ts";
import { goneError } from "./gone.ts";
import { InOrder } from "./in_order.ts";
import { KernelCalls } from "./kernel_calls.ts";
import { deleteAll, listRows } from "./list_rows.ts";
import { PostgresNames } from "./names.ts";
import { NamedRequest, type Reply } from "./named_request.ts";
import { randomId } from "./random_id.ts";
import { RequestDeadlines, sendInTime, unreached } from "./request_deadlines.ts";
import { RuleBook } from "./rules.ts";
import { Sessions } from "./sessions.ts";
import { ensureSetup } from "./setup.ts";
import type { PostgresStoreSettings } from "./store_settings.ts";

/**
 * How many calls are in flight when answers come at once. Each has a process of the server for itself, and costs as much as
 * some twenty requests: two are enough to have one at work while the answer to the other is read.
 */
const MIN_CALLS = 2;

/** All callers of a call go on together, so that what they ask next is one call again. */
const PARTS = 1;

/** The most requests of one transaction, without those that share a row. */
const MAX_BATCH = 256;

/** How long it may take to sign off, and how long a connection to end, in milliseconds. */
const SIGN_OFF_MS = 150;
const CLOSE_MS = 400;

/** How many requests may wait to be sent where nothing else is said. */
const MAX_QUEUED = 65_536;

/** A store in PostgreSQL. Its connection is closed with it. */
export class PostgresStore implements Store {
  static {
    brand(this, "PostgresStore");
  }

  /** What kind of store it is. */
  readonly engine: string = "postgres";
  readonly #connection: PostgresConnection;
  readonly #names: PostgresNames;
  readonly #batcher: Batcher<NamedRequest, Reply>;
  readonly #inOrder = new InOrder();
  readonly #deadlines: RequestDeadlines;
  readonly #busy: BusyRows;
  readonly #rules: RuleBook;
  readonly #sessions: Sessions;
  readonly #kernels: KernelCalls;
  readonly #buckets: BucketBatches;
  readonly #cleaner: Cleaner;
  readonly #board: PostgresBoard;
  readonly #rulesWatchers: ((report: RulesReport) => void)[] = [];
  readonly #callWatchers: StoreCallReport[] = [];
  readonly #autoCreate: boolean;
  #setUp: Promise<void> | undefined;
  readonly #checking = new Map<boolean, Promise<StoreCheck>>();

  /**
   * For a `PostgresConnection` of your own; `createPostgresStore()` makes the others. Nothing is connected yet.
   *
   * @param connection The client to use.
   * @param settings How to use it.
   */
  constructor(connection: PostgresConnection, settings: PostgresStoreSettings = {}) {
    const { testClock } = settings;
    const nowUs = testClock === undefined ? systemClock.nowUs : () => testClock.nowUs();
    const clock = () => testClock === undefined ? null : String(testClock.nowUs());
    const process = randomId();
    const names = new PostgresNames(settings);
    this.#connection = connection;
    this.#names = names;
    this.#autoCreate = settings.autoCreate ?? true;
    this.#deadlines = new RequestDeadlines(connection, settings.socketTimeoutMs);
    this.#sessions = new Sessions(connection, names, process);
    const report = (found: RulesReport) => this.#rulesWatchers.forEach((watcher) => watcher(found));
    this.#rules = new RuleBook({ connection, names, process, clock, nowUs, report });
    const { sessions } = connection;
    const asksAsync = !settings.durable && sessions?.commitsAsync !== true;
    this.#kernels = new KernelCalls({
      connection,
      names,
      rules: this.#rules,
      sessions: this.#sessions,
      asksAsync,
      clock,
    });
    const buckets = { names, asksAsync, asksSettings: sessions === undefined, clock };
    this.#buckets = new BucketBatches(connection, buckets, this.#rules, this.#kernels);
    this.#busy = new BusyRows(connection, names);
    this.#cleaner = new Cleaner(connection, names, clock);
    this.#board = new PostgresBoard({
      names,
      query: async (statement) => {
        await this.#ready();
        return await connection.query(statement);
      },
    });
    this.#batcher = new Batcher({
      send: (batch) => this.#send(batch),
      kindOf: ({ isBucket }) => isBucket,
      keysOf: ({ keys }) => keys,
      joins: ({ keys }, before) => keys.length === 1 && before.keys.length === 1 && keys[0] === before.keys[0],
      errorOf: (cause) => cause,
      afterSending: inNextTurn,
      watchers: this.#callWatchers,
      nowUs: systemClock.nowUs,
      minCalls: MIN_CALLS,
      parts: PARTS,
      maxBatch: MAX_BATCH,
      maxQueued: settings.maxQueued ?? MAX_QUEUED,
    });
  }

  /** What is on its way to PostgreSQL. */
  get load(): StoreLoad {
    return this.#batcher.load;
  }

  /** Why nothing can be sent, where there is no connection yet. */
  get unreached(): StoreError | undefined {
    return unreached(this.#connection);
  }

  /** Where processes leave reports while there is a watcher. */
  get board(): Board {
    return this.#board;
  }

  /** Runs a request, in one transaction together with other requests of the same moment, or rejects in its time. */
  execute<Request extends StoreRequest>(request: Request, signal?: AbortSignal): Promise<ReplyTo<Request>> {
    const named = new NamedRequest(request);
    return this.#deadlines.within(named, this.#batcher.ask(named, signal)) as Promise<ReplyTo<Request>>;
  }

  /** As `execute`, for a take or a release; the outcome goes to a sink. */
  submit<Request extends TakeRequest | ReleaseRequest>(request: Request, sink: ReplySink<ReplyTo<Request>>): void {
    this.#batcher.submit(new NamedRequest(request), sink as ReplySink<Reply>);
  }

  /** Listens to the channel of this process, or fetches its messages from now on. */
  async listen(listener: WakeupListener): Promise<void> {
    await this.#ready();
    await this.#sessions.listen(listener);
  }

  /** Has `report` called when other processes are found to use other rules for a limiter. */
  watchRules(report: (report: RulesReport) => void): void {
    this.#rulesWatchers.push(report);
  }

  /** Has `report` called when a transaction was answered or has failed. */
  watchCalls(report: StoreCallReport): void {
    this.#callWatchers.push(report);
  }

  /** The keys of a limiter, some thousand rows at a time. */
  async *listKeys(query: KeyQuery): AsyncGenerator<StoredKey, void, void> {
    await this.#ready();
    yield* listRows(this.#connection, this.#names, query);
  }

  /** Deletes every row of this store, in steps. */
  async resetAll(): Promise<void> {
    await this.#ready();
    await deleteAll(this.#connection, this.#names);
    this.#sessions.missed();
  }

  /** Connects, and makes what is missing. */
  async connect(): Promise<void> {
    await this.#connection.connect();
    await this.#ready();
  }

  /** Begins to connect, in the background. */
  prepare(): void {
    this.#connection.prepare?.();
  }

  /**
   * Looks at the server with one statement, beside the decisions. Never rejects, and takes two seconds at most. A call while
   * another one is under way gets the same report.
   *
   * @param _policies The store can do what all rules need.
   * @param isBackground Whether the process may end meanwhile.
   */
  check(_policies?: readonly Policy[], isBackground = false): Promise<StoreCheck> {
    const running = this.#checking.get(isBackground);
    if (running !== undefined) return running;
    const connection = isBackground ? this.#connection.background ?? this.#connection : this.#connection;
    const checking = checkPostgres(connection, this.#names, this.#autoCreate).finally(() => {
      this.#checking.delete(isBackground);
    });
    this.#checking.set(isBackground, checking);
    return checking;
  }

  /**
   * Looks closely at the server, the rules in use and some keys. Never rejects, and takes three seconds at most.
   *
   * @param limiters The limiters whose rules are read.
   */
  async inspect(limiters: readonly NamedPolicy[]): Promise<StoreInspection> {
    const { inspectPostgres } = await import("./inspect.ts");
    return await inspectPostgres(this.#connection, this.#names, limiters);
  }

  /**
   * Refuses what waits to be sent, lets what is under way finish for a moment, signs off, and disconnects. Takes 550 ms at
   * most, also where the server hangs.
   */
  async close(): Promise<void> {
    const error = new ClosedError("the PostgreSQL store");
    this.#batcher.close(error);
    if (this.#setUp !== undefined && this.#connection.isUp?.() !== false) {
      const signOff = Promise.all([this.#sessions.close(), this.#rules.signOff()]);
      await withTimeout(signOff, SIGN_OFF_MS, () => error).catch(() => {});
    }
    await withTimeout(this.#connection.close(), CLOSE_MS, () => error).catch((cause) => {
      if (cause !== error) throw cause;
    });
  }

  async #send(batch: readonly NamedRequest[]): Promise<readonly (Reply | Error)[]> {
    const keys = batch.flatMap((named) => named.keys);
    return await this.#inOrder.run(keys, async () => {
      if (!this.#isReady) await this.#ready();
      try {
        return await sendInTime(batch, (awaited) => {
          return this.#busy.decide(awaited, (some) => (some[0]?.isBucket ? this.#buckets : this.#kernels).send(some));
        });
      } catch (error) {
        const gone = goneError(error);
        if (gone === undefined) throw error;
        this.#forgetSetup();
        throw this.#autoCreate ? gone : error;
      } finally {
        this.#cleaner.used();
        this.#board.used();
      }
    });
  }

  #isReady = false;

  #ready(): Promise<void> {
    return this.#setUp ??= ensureSetup(this.#connection, this.#names, this.#autoCreate).then(() => {
      this.#isReady = true;
    }, (error) => {
      this.#setUp = undefined;
      throw error;
    });
  }

  /** The tables are gone: they are made again at the next call. */
  #forgetSetup(): void {
    this.#setUp = undefined;
    this.#isReady = false;
    this.#rules.outdate();
  }
}
