/**
 * The calls of the default instance: for programs that have one configuration. It looks for `rate-sync.toml` at first use.
 *
 * @module
 */

import { rejectUnknownOptions } from "../base/unknown_options.ts";
import type { AcquireOptions, AskOptions, BlockOptions, KeyOptions } from "../limiter/call_options.ts";
import type { Charge } from "../limiter/corrections.ts";
import type { Decision } from "../decision/decision.ts";
import type { Explanation } from "../decision/explain/explanation.ts";
import type { LimiterListener, Logger, StoreListener } from "../observe/events.ts";
import type { Limiter } from "../limiter/limiter.ts";
import type { HeavyHitterOptions, HeavyHitters } from "../observe/heavy_hitters.ts";
import type { LimiterMetrics } from "../observe/metrics.ts";
import type { Observer } from "../observe/observer.ts";
import type { Permit } from "../decision/decision.ts";
import { rateLimited as wrap, type RateLimitedOptions, type WaitOptions } from "../limiter/rate_limited.ts";
import type { Reservation } from "../limiter/result/reservation.ts";
import type { LimiterOptions } from "../policy/options.ts";
import type { StoreCheck } from "../stores/check.ts";
import type { Store } from "../stores/store.ts";
import type { LoadConfigOptions } from "./config/load.ts";
import { checkCloseOptions, type CloseOptions } from "./close_options.ts";
import { closeDefault, configuredInstance, needsNoFile, ready, readyNow, theDefault } from "./default_state.ts";
import type { StoreConfig } from "./engines.ts";
import type { HttpConfig, RateSyncConfig } from "./options.ts";
import type { LimiterListing, StoreListing } from "./listing.ts";
import type { AskFor } from "./combined_call.ts";

/** What the default instance can be given beside stores and limiters. */
export interface DefaultInstanceOptions {
  /**
   * Where messages go. Without one, warnings and errors go to `console`; `false` silences them. See
   * `RateSyncOptions.logger`.
   */
  readonly logger?: Logger | false;
}

/**
 * Sets what the default instance has beside stores and limiters, until `close()`. It may be called at any time, and reads
 * no configuration file.
 *
 * @example Messages to a logger of one's own
 * ```ts
 * import { configure } from "@ratesync/core";
 *
 * configure({ logger: console }); // or pino(), winston.createLogger(), false
 * ```
 *
 * @throws {ConfigError} If an option is unknown or cannot be used; nothing is changed then.
 */
export function configure(options: DefaultInstanceOptions): void {
  rejectUnknownOptions(options, ["logger"]);
  theDefault().log.use(options.logger);
}

/** Waits until the call may go ahead: see `Limiter.acquire`. */
export async function acquire(limiter: string, options?: AcquireOptions): Promise<Permit> {
  return await (await ready(limiter)).acquire(limiter, options);
}

/** Decides now: see `Limiter.tryAcquire`. */
export async function tryAcquire(limiter: string, options?: AskOptions): Promise<Decision> {
  return await (await ready(limiter)).tryAcquire(limiter, options);
}

/**
 * Decides now and without a promise: see `Limiter.tryAcquireSync`.
 *
 * @param limiter The limiter's id.
 * @param asked The key, or the options of `tryAcquire`.
 * @returns Undefined if the store has to be asked: `await tryAcquire()` decides then.
 * @throws {ConfigError} If the configuration file was not read yet: `await loadConfig()` first.
 */
export function tryAcquireSync(limiter: string, asked?: string | AskOptions): Decision | undefined {
  return readyNow("tryAcquireSync()", limiter).tryAcquireSync(limiter, asked);
}

/** Returns what `tryAcquire` would decide: see `Limiter.peek`. */
export async function peek(limiter: string, options?: AskOptions): Promise<Decision> {
  return await (await ready(limiter)).peek(limiter, options);
}

/** Explains what `tryAcquire` would decide, as the store knows it: see `Limiter.explain`. */
export async function explain(limiter: string, options?: AskOptions): Promise<Explanation> {
  return await (await ready(limiter)).explain(limiter, options);
}

/** Charges cost for the earliest possible time: see `Limiter.reserve`. */
export async function reserve(limiter: string, options?: AcquireOptions): Promise<Reservation> {
  return await (await ready(limiter)).reserve(limiter, options);
}

/** Waits until all of several limiters allow the call: see `RateSync.acquireAll`. */
export async function acquireAll(requests: readonly AskFor[], options?: WaitOptions): Promise<Permit> {
  return await (await ready(requests?.[0]?.limiter)).acquireAll(requests, options);
}

/** Decides now over several limiters: see `RateSync.tryAcquireAll`. */
export async function tryAcquireAll(requests: readonly AskFor[]): Promise<Decision> {
  return await (await ready(requests?.[0]?.limiter)).tryAcquireAll(requests);
}

/** Acquires, calls, and releases: see `Limiter.run`. */
export async function run<Result>(
  limiter: string,
  fn: (permit: Permit) => Result | Promise<Result>,
  options?: AcquireOptions,
): Promise<Result> {
  return await (await ready(limiter)).run(limiter, fn, options);
}

/**
 * A function that acquires before each call of `fn` and releases after it.
 *
 * @example One limit for each tenant
 * ```ts
 * import { rateLimited } from "@ratesync/core";
 *
 * const send = rateLimited(
 *   (tenant: string, body: string) => fetch(`https://api.example/${tenant}`, { method: "POST", body }),
 *   { limiter: "partner", key: (tenant) => tenant },
 * );
 * ```
 */
export function rateLimited<Args extends unknown[], Result>(
  fn: (...args: Args) => Result | Promise<Result>,
  options: RateLimitedOptions<string, Args>,
): (...args: Args) => Promise<Result> {
  return wrap(fn, options, run);
}

/** Resets a key: see `Limiter.reset`. */
export async function reset(limiter: string, options?: KeyOptions): Promise<void> {
  await (await ready(limiter)).reset(limiter, options);
}

/** Gives units back: see `Limiter.refund`. */
export async function refund(limiter: string, units: number, options?: KeyOptions): Promise<void> {
  await (await ready(limiter)).refund(limiter, units, options);
}

/** Charges units, even if the limit has fewer: see `Limiter.penalize`. */
export async function penalize(limiter: string, units: number, options?: KeyOptions): Promise<Charge> {
  return await (await ready(limiter)).penalize(limiter, units, options);
}

/** Denies every call for a key for some time: see `Limiter.block`. */
export async function block(limiter: string, durationMs: number, options?: BlockOptions): Promise<void> {
  await (await ready(limiter)).block(limiter, durationMs, options);
}

/**
 * A limiter of the default instance, by its id.
 *
 * @throws {NotFoundError} If there is none; it lists the known ones.
 * @throws {ConfigError} If the configuration file was not read yet: `await loadConfig()` first.
 */
export function limiter(id: string): Limiter {
  return readyNow("limiter()", id).limiter(id);
}

/**
 * What a limiter has done so far in this process.
 *
 * @throws {ConfigError} If the configuration file was not read yet: `await loadConfig()` first.
 */
export function metrics(limiter: string): LimiterMetrics {
  return readyNow("metrics()", limiter).metrics(limiter);
}

/**
 * Calls `listener` with every event of a limiter. Returns a function that removes the listener.
 *
 * @throws {NotFoundError} If there is no such limiter; it lists the known ones.
 * @throws {ConfigError} If the configuration file was not read yet: `await loadConfig()` first.
 */
export function subscribe(limiter: string, listener: LimiterListener): () => void {
  return readyNow("subscribe()", limiter).subscribe(limiter, listener);
}

/**
 * Calls `listener` when a store of the default instance fails, and when it decides again. Returns a function that ends
 * that. May be called before anything is configured; `close()` ends it.
 */
export function subscribeStores(listener: StoreListener): () => void {
  return theDefault().instance.subscribeStores(listener);
}

/**
 * Has `observer` told what happens in the default instance: see `RateSync.observe`. May be called before anything is
 * configured; `close()` ends it.
 */
export function observe(observer: Observer): () => void {
  return theDefault().instance.observe(observer);
}

/**
 * The keys of a limiter with the most requests and the most denials: see `RateSync.heavyHitters`.
 *
 * @throws {NotFoundError} If there is no such limiter; it lists the known ones.
 * @throws {RangeError} If `count` is not a whole number from 1 to 100.
 * @throws {ConfigError} If the configuration file was not read yet: `await loadConfig()` first.
 */
export function heavyHitters(limiter: string, options?: HeavyHitterOptions): HeavyHitters {
  return readyNow("heavyHitters()", limiter).heavyHitters(limiter, options);
}

/** Deletes every key of every store: see `RateSync.resetAll`. */
export async function resetAll(): Promise<void> {
  await (await ready()).resetAll();
}

/** What the default instance is configured with for HTTP. */
export async function httpConfig(): Promise<HttpConfig> {
  return (await ready()).http;
}

/**
 * Every store by id, without secrets.
 *
 * @throws {ConfigError} If the configuration file was not read yet: `await loadConfig()` first.
 */
export function listStores(): Record<string, StoreListing> {
  return readyNow("listStores()").listStores();
}

/**
 * Every limiter by id.
 *
 * @throws {ConfigError} If the configuration file was not read yet: `await loadConfig()` first.
 */
export function listLimiters(): Record<string, LimiterListing> {
  return readyNow("listLimiters()").listLimiters();
}

/**
 * Configures the default instance from a file. Without a path, from the one that the first decision would look for.
 *
 * @throws {ConfigError} If there is no file, or anything in it is wrong; it names file, path, what was received and what
 *   is allowed.
 */
export async function loadConfig(
  path?: string,
  options?: LoadConfigOptions,
): Promise<RateSyncConfig> {
  const it = theDefault();
  const config = await it.instance.loadConfig(path, options);
  needsNoFile(it);
  return config;
}

/** Adds or replaces a store of the default instance, which then looks for no file. See `RateSync.configureStore`. */
export async function configureStore(id: string, config: StoreConfig | Store): Promise<void> {
  const it = theDefault();
  await it.instance.configureStore(id, config);
  needsNoFile(it);
}

/** Adds or replaces a limiter of the default instance, which then looks for no file. See `RateSync.configureLimiter`. */
export function configureLimiter(id: string, options: LimiterOptions): void {
  const it = theDefault();
  it.instance.configureLimiter(id, options);
  needsNoFile(it);
}

/**
 * Looks at a store of the default instance, for a health endpoint: see `RateSync.check`.
 *
 * @throws {ConfigError} If there is neither a configuration file nor a configuration in code.
 */
export async function check(store?: string): Promise<StoreCheck> {
  return await (await configuredInstance()).check(store);
}

/**
 * Connects every store of the default instance now, and makes sure that it can decide: see `RateSync.connect`.
 *
 * @throws {ConfigError} If there is neither a configuration file nor a configuration in code.
 * @throws {StoreError} If a store cannot be reached or cannot decide.
 */
export async function connect(): Promise<void> {
  await (await configuredInstance()).connect();
}

/**
 * Closes the default instance: see `RateSync.close`. The next use makes a new one, which looks for its file again; while
 * it is drained, calls fail with a `ClosedError`.
 *
 * @throws {ConfigError} If an option cannot be used; nothing is closed then.
 */
export async function close(options: CloseOptions = {}): Promise<void> {
  checkCloseOptions(options);
  await closeDefault(options);
}
