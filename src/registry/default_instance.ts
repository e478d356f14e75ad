/**
 * The default instance: for programs that have one configuration. It looks for `rate-sync.toml` at first use. All copies
 * of the package that this process loads share it, if they have the same protocol.
 *
 * @module
 */

import { PROTOCOL } from "../base/brand.ts";
import { NotFoundError } from "../base/errors.ts";
import type { AcquireOptions, AskOptions } from "../limiter/call_options.ts";
import type { Decision } from "../limiter/decision.ts";
import type { BlockOptions, KeyOptions, Limiter } from "../limiter/limiter.ts";
import type { LimiterMetrics } from "../limiter/metrics.ts";
import type { Permit } from "../limiter/permit.ts";
import { rateLimited as wrap, type RateLimitedOptions, type WaitOptions } from "../limiter/rate_limited.ts";
import type { Reservation } from "../limiter/reservation.ts";
import type { LimiterOptions } from "../policy/options.ts";
import type { StoreCheck } from "../stores/check.ts";
import type { Store } from "../stores/store.ts";
import type { LoadConfigOptions } from "./config/load.ts";
import type { HttpConfig, RateSyncConfig, StoreConfig } from "./options.ts";
import { createRateSync, type LimiterListing, type RateSync } from "./rate_sync.ts";
import type { StoreListing } from "./store_slot.ts";
import type { AskFor } from "./together.ts";

interface Default {
  /** The protocol of the copy that made it. */
  readonly protocol: number;
  readonly instance: RateSync;
  configured: boolean;
  /** Whether a configuration file was looked for, and there is none. */
  foundNothing: boolean;
  ready: Promise<RateSync> | undefined;
}

/** Where the copies of the package find the default instance. */
const SHARED = Symbol.for("@ratesync/core/default-instance");

const shared = globalThis as { [SHARED]?: Default | undefined };

/** The instance of this copy alone, where the shared one has another protocol. */
let own: Default | undefined;

function theDefault(): Default {
  const found = shared[SHARED] ??= makeDefault();
  return found.protocol === PROTOCOL ? found : own ??= makeOwn();
}

function makeDefault(): Default {
  return {
    protocol: PROTOCOL,
    instance: createRateSync(),
    configured: false,
    foundNothing: false,
    ready: undefined,
  };
}

function makeOwn(): Default {
  console.warn(
    "rate-sync: this process has loaded two incompatible versions of @ratesync/core: each has a default instance of its " +
      "own, and what one limits the other does not count. Install one version: npm ls @ratesync/core",
  );
  return makeDefault();
}

/** The instance, with its configuration file read. A failure to read it is told to everybody who asks. */
async function ready(limiter?: string): Promise<RateSync> {
  const it = theDefault();
  const instance = await (it.ready ??= it.configured ? Promise.resolve(it.instance) : findAndLoad(it));
  if (limiter === undefined || !it.foundNothing || it.configured) return instance;
  const { CONFIG_PLACES } = await import("./config/mod.ts");
  throw new NotFoundError("limiter", limiter, [], `there is no ${CONFIG_PLACES}`);
}

async function findAndLoad(it: Default): Promise<RateSync> {
  const { findConfigFile } = await import("./config/mod.ts");
  const path = await findConfigFile();
  if (path !== undefined) await it.instance.loadConfig(path);
  it.foundNothing = path === undefined;
  return it.instance;
}

/** Waits for a turn: see `Limiter.acquire`. */
export async function acquire(limiter: string, options?: AcquireOptions): Promise<Permit> {
  return await (await ready(limiter)).acquire(limiter, options);
}

/** Decides now: see `Limiter.tryAcquire`. */
export async function tryAcquire(limiter: string, options?: AskOptions): Promise<Decision> {
  return await (await ready(limiter)).tryAcquire(limiter, options);
}

/** Tells what `tryAcquire` would decide: see `Limiter.peek`. */
export async function peek(limiter: string, options?: AskOptions): Promise<Decision> {
  return await (await ready(limiter)).peek(limiter, options);
}

/** Takes cost for the earliest possible instant: see `Limiter.reserve`. */
export async function reserve(limiter: string, options?: AcquireOptions): Promise<Reservation> {
  return await (await ready(limiter)).reserve(limiter, options);
}

/** Waits until all of several limiters agree: see `RateSync.acquireAll`. */
export async function acquireAll(asks: readonly AskFor[], options?: WaitOptions): Promise<Permit> {
  return await (await ready(asks[0]?.limiter)).acquireAll(asks, options);
}

/** Decides now over several limiters: see `RateSync.tryAcquireAll`. */
export async function tryAcquireAll(asks: readonly AskFor[]): Promise<Decision> {
  return await (await ready(asks[0]?.limiter)).tryAcquireAll(asks);
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

/** Starts a key anew: see `Limiter.reset`. */
export async function reset(limiter: string, options?: KeyOptions): Promise<void> {
  await (await ready(limiter)).reset(limiter, options);
}

/** Forgives units: see `Limiter.refund`. */
export async function refund(limiter: string, units: number, options?: KeyOptions): Promise<void> {
  await (await ready(limiter)).refund(limiter, units, options);
}

/** Takes units whatever the limit says: see `Limiter.penalize`. */
export async function penalize(limiter: string, units: number, options?: KeyOptions): Promise<void> {
  await (await ready(limiter)).penalize(limiter, units, options);
}

/** Denies everything for a while: see `Limiter.block`. */
export async function block(limiter: string, durationMs: number, options?: BlockOptions): Promise<void> {
  await (await ready(limiter)).block(limiter, durationMs, options);
}

/** A limiter of the default instance, by its id. */
export async function limiter(id: string): Promise<Limiter> {
  return (await ready(id)).limiter(id);
}

/** What a limiter has done so far in this process. */
export async function metrics(limiter: string): Promise<LimiterMetrics> {
  return (await ready(limiter)).metrics(limiter);
}

/** What the default instance is configured with for HTTP. */
export async function httpConfig(): Promise<HttpConfig> {
  return (await ready()).http;
}

/** Every store by id, without secrets. */
export async function listStores(): Promise<Record<string, StoreListing>> {
  return (await ready()).listStores();
}

/** Every limiter by id. */
export async function listLimiters(): Promise<Record<string, LimiterListing>> {
  return (await ready()).listLimiters();
}

/**
 * Configures the default instance from a file, in place of the one that it would look for.
 *
 * @throws {ConfigError} If anything in it is wrong; it names file, path, what was received and what is allowed.
 */
export async function loadConfig(
  path: string,
  options?: LoadConfigOptions,
): Promise<RateSyncConfig> {
  const it = theDefault();
  const config = await it.instance.loadConfig(path, options);
  it.configured = true;
  it.ready = undefined;
  return config;
}

/** Adds or replaces a store of the default instance, which then looks for no file. See `RateSync.configureStore`. */
export async function configureStore(id: string, config: StoreConfig | Store): Promise<void> {
  const it = theDefault();
  await it.instance.configureStore(id, config);
  it.configured = true;
  it.ready = undefined;
}

/** Adds or replaces a limiter of the default instance, which then looks for no file. See `RateSync.configureLimiter`. */
export function configureLimiter(id: string, options: LimiterOptions): void {
  const it = theDefault();
  it.instance.configureLimiter(id, options);
  it.configured = true;
  it.ready = undefined;
}

/** Looks at a store of the default instance, for a health endpoint: see `RateSync.check`. */
export async function check(store?: string): Promise<StoreCheck> {
  return await (await ready()).check(store);
}

/** Connects every store of the default instance now, instead of at first use. */
export async function connect(): Promise<void> {
  await (await ready()).connect();
}

/** Closes the default instance. The next use makes a new one, which looks for its file again. */
export async function close(): Promise<void> {
  const closing = own ?? shared[SHARED];
  if (closing?.protocol !== PROTOCOL) return;
  if (closing === own) own = undefined;
  else shared[SHARED] = undefined;
  await closing.instance.close();
}
