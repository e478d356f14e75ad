/**
 * A store for express-rate-limit: its counts are shared by every process, and the code around it stays as it is.
 *
 * @example
 * ```ts ignore
 * import express from "express";
 * import { rateLimit } from "express-rate-limit";
 * import { createRateSync } from "@ratesync/core";
 * import { expressRateLimitStore } from "@ratesync/core/http/express-rate-limit";
 *
 * const rateSync = createRateSync({ stores: { main: { engine: "redis", url: "redis://localhost:6379" } } });
 * const app = express();
 * app.use(rateLimit({ windowMs: 60_000, limit: 100, store: expressRateLimitStore({ rateSync }) }));
 * ```
 *
 * @module
 */

import { wallMs } from "../../base/clock.ts";
import { ConfigError } from "../../base/errors.ts";
import { checkOptions as checkRows } from "../../base/option_table.ts";
import { show } from "../../base/text.ts";
import type { Decision } from "../../decision/decision.ts";
import type { Limiter } from "../../limiter/limiter.ts";
import { isMeasured } from "../../policy/headers.ts";
import { LIMITER_OPTIONS } from "../../policy/option_table.ts";
import type { LimiterOptions } from "../../policy/options.ts";
import { checkOptions } from "../check_options.ts";
import * as byDefault from "../../registry/default_instance.ts";
import { ready } from "../../registry/default_state.ts";
import type { RateSync } from "../../registry/rate_sync.ts";

/** Where hits are counted. */
export interface ExpressRateLimitStoreOptions {
  /** The instance whose store counts. @default the default instance */
  readonly rateSync?: RateSync;
  /** The store's id. May be left out where the instance has one, or none. */
  readonly store?: string;
  /** Stands in front of keys. Middlewares that count apart need different ones. @default {"express-rate-limit"} */
  readonly prefix?: string;
  /**
   * What happens when the store cannot decide: `"local"` counts in this process, `"allow"` allows every request, `"deny"`
   * nothing, and `"throw"` leaves it to `passOnStoreError`. @default {"local"}
   */
  readonly onStoreError?: LimiterOptions["onStoreError"];
}

/** How often a client has come, and when that is forgotten. */
export interface ClientHits {
  /** Hits in this window, denied ones too. */
  totalHits: number;
  /** The end of the window; `undefined` where it is not known. */
  resetTime: Date | undefined;
}

/** A store as express-rate-limit wants it. */
export interface ExpressRateLimitStore {
  /** Called by express-rate-limit with the length of the window, before the first hit. */
  init(options: { readonly windowMs: number }): void;
  /** Counts a hit. */
  increment(key: string): Promise<ClientHits>;
  /** Takes a hit back. */
  decrement(key: string): Promise<void>;
  /** Forgets a client. */
  resetKey(key: string): Promise<void>;
  /** How often a client has come; `undefined` for one that has not. */
  get(key: string): Promise<ClientHits | undefined>;
  /** Other instances of the store see the same keys. */
  readonly localKeys: boolean;
  /** What stands in front of keys. */
  readonly prefix: string;
}

/** The limit of the window that counts hits: more than any client makes. */
const MOST_HITS = 2 ** 31;

/**
 * Makes a store, for one middleware. A window begins with a client's first hit and ends after `windowMs`, as that of the
 * store which comes with express-rate-limit; every hit counts, whatever the limit says.
 *
 * @param options Where hits are counted.
 * @throws {ConfigError} If an option is misspelt or cannot be used.
 */
export function expressRateLimitStore(options: ExpressRateLimitStoreOptions = {}): ExpressRateLimitStore {
  checkOptions(options, ["rateSync", "store", "prefix", "onStoreError"], "expressRateLimitStore", true);
  const { prefix = "express-rate-limit", rateSync } = options;
  if (rateSync !== undefined && typeof rateSync?.configureLimiter !== "function") {
    throw new ConfigError({ path: "rateSync", expected: "an instance, of createRateSync", received: show(rateSync) });
  }
  if (typeof prefix !== "string" || prefix === "") {
    throw new ConfigError({ path: "prefix", expected: "a text", received: show(prefix) });
  }
  checkRows(options, { store: LIMITER_OPTIONS.store, onStoreError: LIMITER_OPTIONS.onStoreError });
  return new HitCounter(options, prefix);
}

class HitCounter implements ExpressRateLimitStore {
  readonly localKeys = false;
  readonly prefix: string;
  readonly #options: ExpressRateLimitStoreOptions;
  #limiter: Promise<Limiter> | undefined;

  constructor(options: ExpressRateLimitStoreOptions, prefix: string) {
    this.#options = options;
    this.prefix = prefix;
  }

  init({ windowMs }: { readonly windowMs: number }): void {
    const { rateSync, store, onStoreError = "local" } = this.#options;
    const id = `${this.prefix}-${windowMs}ms`; // windows of different length are counted apart
    const limiter: LimiterOptions = {
      algorithm: "fixed_window",
      limit: MOST_HITS,
      windowMs,
      onStoreError,
      ...(store === undefined ? {} : { store }),
    };
    if (rateSync === undefined) {
      this.#limiter = configureDefault(id, limiter);
      this.#limiter.catch(() => {}); // reported to the calls that count
    } else {
      rateSync.configureLimiter(id, limiter);
      this.#limiter = Promise.resolve(rateSync.limiter(id));
    }
  }

  async increment(key: string): Promise<ClientHits> {
    const limiter = await this.#ready();
    return hitsOf(await limiter.tryAcquire({ key }), wallMs(limiter.access.clock));
  }

  async decrement(key: string): Promise<void> {
    await (await this.#ready()).refund(1, { key });
  }

  async resetKey(key: string): Promise<void> {
    await (await this.#ready()).reset({ key });
  }

  async get(key: string): Promise<ClientHits | undefined> {
    const limiter = await this.#ready();
    const { limit, remaining, resetAfterMs } = await limiter.peek({ key });
    const totalHits = limit - remaining;
    return totalHits === 0
      ? undefined
      : { totalHits, resetTime: new Date(wallMs(limiter.access.clock) + resetAfterMs) };
  }

  #ready(): Promise<Limiter> {
    const problem = "Cannot count a hit: express-rate-limit has not said how long a window is";
    return this.#limiter ?? Promise.reject(new TypeError(problem));
  }
}

async function configureDefault(id: string, options: LimiterOptions): Promise<Limiter> {
  await ready(); // reads the configuration that there is
  byDefault.configureLimiter(id, options);
  return byDefault.limiter(id);
}

function hitsOf(decision: Decision, nowMs: number): ClientHits {
  const { allowed, limit, remaining, resetAfterMs } = decision;
  if (!isMeasured(decision)) return { totalHits: allowed ? 1 : MOST_HITS, resetTime: undefined };
  return { totalHits: allowed ? limit - remaining : MOST_HITS, resetTime: new Date(nowMs + resetAfterMs) };
}
