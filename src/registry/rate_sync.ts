/**
 * An instance: stores, limiters, and the calls that use them.
 *
 * @module
 */

import { brand } from "../base/brand.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { showAs } from "../base/inspect.ts";
import {
  type AcquireOptions,
  type AskOptions,
  type BlockOptions,
  checkNames,
  checkWait,
  type KeyOptions,
  maxWaitUs,
  WAIT,
} from "../limiter/call_options.ts";
import type { Charge } from "../limiter/corrections.ts";
import { atStore } from "../limiter/store_access.ts";
import type { Explanation } from "../decision/explain/explanation.ts";
import { type LimiterListener, type StoreEvent, type StoreListener, Subscriptions } from "../observe/events.ts";
import type { Limiter } from "../limiter/limiter.ts";
import type { HeavyHitterOptions, HeavyHitters, HeavyHitterSketches } from "../observe/heavy_hitters.ts";
import { Log } from "../observe/log.ts";
import type { LimiterMetrics } from "../observe/metrics.ts";
import type { Observer } from "../observe/observer.ts";
import { Observers } from "../observe/observers.ts";
import { newSketches } from "../observe/observing.ts";
import type { Decision, Permit } from "../decision/decision.ts";
import { rateLimited, type RateLimitedOptions, type WaitOptions } from "../limiter/rate_limited.ts";
import type { Reservation } from "../limiter/result/reservation.ts";
import type { LimiterOptions } from "../policy/options.ts";
import type { StoreCheck } from "../stores/check.ts";
import type { Store } from "../stores/store.ts";
import type { LoadConfigOptions } from "./config/load.ts";
import { checkCloseOptions, type CloseOptions } from "./close_options.ts";
import { checkId, Definitions } from "./definitions.ts";
import type { StoreConfig } from "./engines.ts";
import type { HttpConfig, RateSyncConfig } from "./options.ts";
import type { LimiterListing, StoreListing } from "./listing.ts";
import { checkInstance, type RateSyncOptions } from "./rate_sync_options.ts";
import { type AskFor, combinedCall } from "./combined_call.ts";

/** Stores and limiters, with the calls to use them. `Id` is the limiters' ids. */
export class RateSync<Id extends string = string> implements AsyncDisposable {
  static {
    brand(this, "RateSync");
  }

  readonly #definitions: Definitions;
  readonly #clock: Clock;
  readonly #log: Log;
  #http: HttpConfig;
  /** What the file that was read last may not mean; the log has it. */
  #warnings: readonly string[] = [];
  readonly #storeEvents: Subscriptions<StoreEvent>;
  readonly #observers: Observers;
  #hitters: HeavyHitterSketches | undefined;
  /** The limiter that was asked for last: its id need not be looked up again. Undefined once new calls fail. */
  #newest: Limiter | undefined;
  #closing: Promise<void> | undefined;
  #draining: Promise<void> | undefined;

  static {
    showAs<RateSync>(
      RateSync.prototype,
      "RateSync",
      (it) =>
        (it.#closing ?? it.#draining) === undefined
          ? { stores: it.listStores(), limiters: it.listLimiters() }
          : { closed: true },
    );
  }

  /**
   * As `createRateSync()`.
   *
   * @param options What to configure.
   * @throws {ConfigError | NotFoundError} If anything is wrong.
   */
  constructor(options: RateSyncOptions<Id> = {}) {
    checkInstance(options);
    const { stores = {}, limiters = {}, http = {}, logger, clock = systemClock } = options;
    this.#http = http;
    this.#clock = clock;
    this.#log = logger instanceof Log ? logger : new Log(logger);
    this.#storeEvents = new Subscriptions(this.#log);
    this.#observers = new Observers(this.#log, this.#storeEvents);
    this.#definitions = new Definitions({
      clock,
      log: this.#log,
      events: this.#storeEvents,
      observers: this.#observers,
    });
    void this.#definitions.apply({ stores, limiters });
  }

  /**
   * A limiter, by its id.
   *
   * @throws {NotFoundError} If there is none; it lists the known ones.
   */
  limiter(id: Id): Limiter {
    const newest = this.#newest;
    return newest !== undefined && newest.id === id ? newest : this.#newest = this.#definitions.limiter(id);
  }

  /** Settings that HTTP integrations read: given, or of the configuration that was loaded last. */
  get http(): HttpConfig {
    return this.#http;
  }

  /** Waits until the call may go ahead: see `Limiter.acquire`. */
  acquire(limiter: Id, options?: AcquireOptions): Promise<Permit> {
    try {
      return this.limiter(limiter).acquire(options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Decides now: see `Limiter.tryAcquire`. */
  tryAcquire(limiter: Id, options?: AskOptions): Promise<Decision> {
    try {
      return this.limiter(limiter).tryAcquire(options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Decides now and without a promise: see `Limiter.tryAcquireSync`.
   *
   * @param limiter The limiter's id.
   * @param asked The key, or the options of `tryAcquire`.
   * @returns Undefined if the store has to be asked: `await tryAcquire()` decides then.
   */
  tryAcquireSync(limiter: Id, asked?: string | AskOptions): Decision | undefined {
    return this.limiter(limiter).tryAcquireSync(asked);
  }

  /** Returns what `tryAcquire` would decide: see `Limiter.peek`. */
  async peek(limiter: Id, options?: AskOptions): Promise<Decision> {
    return await this.limiter(limiter).peek(options);
  }

  /** Explains what `tryAcquire` would decide, as the store knows it: see `Limiter.explain`. */
  async explain(limiter: Id, options?: AskOptions): Promise<Explanation> {
    return await this.limiter(limiter).explain(options);
  }

  /** Charges cost for the earliest possible time: see `Limiter.reserve`. */
  async reserve(limiter: Id, options?: AcquireOptions): Promise<Reservation> {
    return await this.limiter(limiter).reserve(options);
  }

  /**
   * Waits until all of several limiters allow the call, and takes from all of them in one step. If one denies, the others stay
   * untouched. The failure policy is the strictest of theirs.
   *
   * @throws {RateLimitedError} If the deadline cannot be met.
   * @throws {ConfigError} If they are not all on one store.
   */
  async acquireAll(requests: readonly AskFor<Id>[], options: WaitOptions = {}): Promise<Permit> {
    const { targets, access } = combinedCall(this.#definitions, requests);
    checkNames(targets[0]?.limiter ?? "", options, WAIT);
    checkWait(options.timeoutMs, options.signal);
    const waitUs = maxWaitUs(options.timeoutMs, targets.map(({ policy }) => policy));
    const limit = { maxWaitUs: waitUs, signal: options.signal };
    return await atStore(access, (store) => store.verbs.acquireAll(store, access, targets, limit));
  }

  /**
   * Decides now over several limiters: takes from all, or from none.
   *
   * @throws {ConfigError} If they are not all on one store.
   */
  async tryAcquireAll(requests: readonly AskFor<Id>[]): Promise<Decision> {
    const { targets, access } = combinedCall(this.#definitions, requests);
    return await atStore(access, (store) => store.verbs.tryAcquireAll(store, access, targets));
  }

  /** Acquires, calls, and releases: see `Limiter.run`. */
  async run<Result>(
    limiter: Id,
    fn: (permit: Permit) => Result | Promise<Result>,
    options?: AcquireOptions,
  ): Promise<Result> {
    return await this.limiter(limiter).run(fn, options);
  }

  /**
   * A function that acquires before each call of `fn` and releases after it. It keeps the name and the number of
   * arguments, and `this`.
   */
  rateLimited<Args extends unknown[], Result>(
    fn: (...args: Args) => Result | Promise<Result>,
    options: RateLimitedOptions<Id, Args>,
  ): (...args: Args) => Promise<Result> {
    return rateLimited(fn, options, (...call) => this.run(...call));
  }

  /** Resets a key: see `Limiter.reset`. */
  async reset(limiter: Id, options?: KeyOptions): Promise<void> {
    await this.limiter(limiter).reset(options);
  }

  /** Deletes every key of every store, for all limiters and processes that share them, and this instance's metrics. */
  async resetAll(): Promise<void> {
    for (const handle of this.#definitions.stores.values()) {
      await (handle.open.store ?? await handle.client()).resetAll();
    }
    for (const id of this.#definitions.limiterIds) this.limiter(id as Id).forgetMetrics();
  }

  /** Gives units back: see `Limiter.refund`. */
  async refund(limiter: Id, units: number, options?: KeyOptions): Promise<void> {
    await this.limiter(limiter).refund(units, options);
  }

  /** Charges units, even if the limit has fewer: see `Limiter.penalize`. */
  async penalize(limiter: Id, units: number, options?: KeyOptions): Promise<Charge> {
    return await this.limiter(limiter).penalize(units, options);
  }

  /** Denies every call for a key for some time: see `Limiter.block`. */
  async block(limiter: Id, durationMs: number, options?: BlockOptions): Promise<void> {
    await this.limiter(limiter).block(durationMs, options);
  }

  /** What a limiter has done so far in this process. */
  metrics(limiter: Id): LimiterMetrics {
    return this.limiter(limiter).metrics();
  }

  /** Calls `listener` with every event of a limiter. Returns a function that removes the listener. */
  subscribe(limiter: Id, listener: LimiterListener): () => void {
    return this.limiter(limiter).subscribe(listener);
  }

  /**
   * Has `observer` told what happens in the instance: decisions, waits, permits, calls to stores. Metrics and live views
   * are made from it. Returns a function that removes the observer.
   */
  observe(observer: Observer): () => void {
    return this.#observers.add(observer);
  }

  /**
   * The keys of a limiter with the most requests and the most denials in this process, in a fixed space whatever the keys
   * are. Counting begins with the first call, and ends when it is not called for ten minutes.
   *
   * @throws {NotFoundError} If there is no such limiter.
   * @throws {RangeError} If `count` is not a whole number from 1 to 100.
   */
  heavyHitters(limiter: Id, options: HeavyHitterOptions = {}): HeavyHitters {
    this.limiter(limiter);
    this.#hitters ??= newSketches(this.#clock, (observer) => this.observe(observer));
    return this.#hitters.read(limiter, options);
  }

  /** A number that rises with each change of stores or of the rules of limiters, from 1 for what was given at first. */
  get configVersion(): number {
    return this.#definitions.version;
  }

  /** Calls `listener` when a store fails, and when it decides again. Returns a function that removes the listener. */
  subscribeStores(listener: StoreListener): () => void {
    return this.#storeEvents.add(listener);
  }

  /**
   * Adds or replaces a store. Limiters on it use the new one from their next call on. A store that is described as
   * before is kept, with its connections and its permits.
   *
   * @returns Settled when the store that it replaces has been closed.
   * @throws {ConfigError} If the description cannot be used; nothing is changed then.
   */
  async configureStore(id: string, config: StoreConfig | Store): Promise<void> {
    checkId("stores", id);
    await this.#definitions.apply({ stores: { [id]: config }, limiters: {} });
  }

  /**
   * Adds or replaces a limiter. Code that holds the limiter uses the new rules from its next call on.
   *
   * @throws {ConfigError | NotFoundError} If the description cannot be used; nothing is changed then.
   */
  configureLimiter(id: string, options: LimiterOptions): void {
    checkId("limiters", id);
    void this.#definitions.apply({ stores: {}, limiters: { [id]: options } });
  }

  /**
   * Reads a configuration file and applies it, all or nothing. What it describes as before is kept: permits that are
   * held on such a store live on.
   *
   * @param path The file, relative to the working directory. Left out, `RATE_SYNC_CONFIG` names it, or it is
   *   `rate-sync.toml` or `config/rate-sync.toml`.
   * @param options The parser and the environment.
   * @throws {ConfigError} If there is no file, or anything in it is wrong; it names file, path, what was received and what
   *   is allowed.
   */
  async loadConfig(path?: string, options: LoadConfigOptions = {}): Promise<RateSyncConfig> {
    const { readConfig } = await import("./config/mod.ts");
    const { config, warnings } = await readConfig(path, options);
    await this.#definitions.apply(config);
    this.#http = config.http;
    for (const warning of warnings) if (!this.#warnings.includes(warning)) this.#log.warn(warning);
    this.#warnings = warnings;
    return config;
  }

  /** Every store by id, without secrets. */
  listStores(): Record<string, StoreListing> {
    return this.#definitions.listStores();
  }

  /** Every limiter by id. */
  listLimiters(): Record<string, LimiterListing> {
    return this.#definitions.listLimiters();
  }

  /**
   * Looks at a store, for a health endpoint: whether it can decide now, what is wrong, and what to do. Resolves within
   * two seconds, also for a store that cannot be reached.
   *
   * @param store Its id; may be left out where there is one.
   * @throws {NotFoundError | ConfigError} If there is no such store, or several and no id.
   */
  async check(store?: string): Promise<StoreCheck> {
    return await this.#definitions.store(store).check();
  }

  /**
   * A store, opened: for what watches and examines it.
   *
   * @internal
   */
  async openStore(id?: string): Promise<Store> {
    return (await this.#definitions.store(id).client()).store;
  }

  /**
   * Connects every store now, also those that no limiter uses, and makes sure that it can decide: at the start of a
   * program this reports what is wrong.
   *
   * @throws {StoreError} If a store cannot be reached, refuses, or cannot do what its limiters need: it is a replica, a
   *   node of a cluster, or full, or the user may not run the scripts.
   */
  async connect(): Promise<void> {
    await Promise.all([...this.#definitions.stores.values()].map((handle) => handle.connect()));
  }

  /**
   * Closes every store, within a second also where one hangs. New calls, and calls that wait, fail with a `ClosedError`;
   * they give back what they have taken. Of permits that are still held, `lost` is aborted: they are free when their leases end.
   *
   * With `drain`, new calls fail at once, and calls that wait, permits that are held and functions of `run` may finish
   * before that, for at most `timeoutMs`. Another `close()` meanwhile ends the drain.
   *
   * @throws {ConfigError} If an option cannot be used; nothing is closed then.
   */
  close(options: CloseOptions = {}): Promise<void> {
    try {
      checkCloseOptions(options);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#newest = undefined;
    if (!options.drain) return this.#closing ??= this.#definitions.close();
    return this.#closing ?? (this.#draining ??= this.#drain(options));
  }

  async #drain(options: CloseOptions): Promise<void> {
    this.#definitions.retire();
    const { drained } = await import("./drain.ts");
    await drained(this.#definitions, options, () => this.#closing !== undefined);
    await this.close();
  }

  /** Closes at the end of a block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Makes an instance. The limiters' ids become types: a misspelt one does not compile. Stores outside this
 * process that limiters use begin to connect in the next turn of the event loop, without keeping the process alive; what
 * is wrong there is reported by the first call, or by `connect()`.
 *
 * @throws {ConfigError | NotFoundError} If an option cannot be used.
 */
export function createRateSync<const Id extends string = string>(
  options: RateSyncOptions<Id> = {},
): RateSync<Id> {
  return new RateSync(options);
}
