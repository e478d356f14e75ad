/**
 * A configured store: opened at first use, closed when it is replaced.
 *
 * @module
 */

import { type Clock, systemClock, toWallMs } from "../base/clock.ts";
import { ClosedError, ConfigError, type StoreError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import { rejectUnknownOptions } from "../base/unknown_options.ts";
import type { Logger, StoreEvent, Subscriptions } from "../limiter/events.ts";
import type { StoreClient } from "../limiter/store_client.ts";
import { checkFailureOptions, splitFailureOptions } from "../policy/failure_options.ts";
import type { FailureOptions } from "../policy/options.ts";
import type { MemoryStoreOptions } from "../stores/memory/mod.ts";
import { placeOf } from "../stores/redis/connections/place.ts";
import type { Store, StoreLoad } from "../stores/store.ts";
import type { StoreConfig } from "./options.ts";

/** How a store looks in a listing. */
export interface StoreListing {
  /** What kind of store it is. */
  readonly engine: string;
  /** Where it is, without credentials; undefined where that means nothing. */
  readonly url: string | undefined;
  /** Whether it has been opened. */
  readonly open: boolean;
  /** What is on its way to it at this moment; undefined where it is not open, or inside this process. */
  readonly load: StoreLoad | undefined;
  /** Whether limiters ask it, or have their failure policies decide because it cannot. */
  readonly state: "up" | "down";
  /** Since when it is down, in milliseconds since the Unix epoch; undefined while it is up. */
  readonly downSinceMs: number | undefined;
  /** How often it went down. */
  readonly outages: number;
  /** Why it is down; undefined while it is up. */
  readonly error: StoreError | undefined;
}

/** What stores and limiters need of their surroundings. */
export interface Surroundings {
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where messages go. */
  readonly logger: Logger | undefined;
  /** Who is told what happens to stores. */
  readonly events: Subscriptions<StoreEvent>;
}

/** Single failures of a store are logged at most this often, in microseconds. */
const LOG_US = 10_000_000;

/** A place for a store. */
export class StoreSlot {
  /** The store's id. */
  readonly id: string;
  /** What the store says of failures, for limiters that do not say it themselves. */
  readonly failure: FailureOptions;
  readonly #config: StoreConfig | Store;
  readonly #surroundings: Surroundings;
  #client: Promise<StoreClient> | undefined;
  #current: StoreClient | undefined;
  #closed = false;
  #loggedUs = -Infinity;

  /**
   * Makes one.
   *
   * @param id The store's id.
   * @param config What it is, or the store itself.
   * @param surroundings Where time comes from, and where messages go.
   * @throws {ConfigError} If the configuration cannot be used.
   */
  constructor(id: string, config: StoreConfig | Store, surroundings: Surroundings) {
    checkStore(config);
    this.id = id;
    this.#config = config;
    this.failure = isStore(config) || config.engine !== "redis" ? {} : splitFailureOptions(config)[0];
    this.#surroundings = surroundings;
  }

  /** The store's client; opened at the first call. */
  client(): Promise<StoreClient> {
    if (this.#closed) return Promise.reject(new ClosedError(`store ${show(this.id)}`));
    return this.#client ?? this.#start();
  }

  #start(): Promise<StoreClient> {
    const client = this.#client = this.#open();
    // The first to hear of it: those who wait go on right behind, before anybody finds the store open and asks at once.
    client.then((opened) => this.#current = opened, () => {});
    this.#surroundings.clock.waitFor?.(client);
    return client;
  }

  /** The store's client, if it is open. */
  get current(): StoreClient | undefined {
    return this.#closed ? undefined : this.#current;
  }

  async #open(): Promise<StoreClient> {
    const { clock } = this.#surroundings;
    const [store, { StoreClient }] = await Promise.all([
      openStore(this.#config, this.#surroundings),
      import("../limiter/store_client.ts"),
    ]);
    if (store.isLocal) return new StoreClient(this.id, store, clock);
    // The embedded store decides while this one cannot: it is loaded before anything has gone wrong.
    const [{ Foresight, StoreGuard }] = await Promise.all([
      import("../limiter/remote.ts"),
      import("../stores/memory/mod.ts"),
    ]);
    const guard = new StoreGuard(this.id, store, {
      onDown: (error) => this.#down(error, store.engine),
      onUp: (downUs) => this.#up(downUs, store.engine, client),
      onFailure: (error) => this.#failed(error),
      onLate: (request, reply) => client.undo(request, reply),
    });
    const foresight = new Foresight(store, clock, (request) => guard.take(client, request));
    const client: StoreClient = new StoreClient(this.id, store, clock, { foresight, guard });
    return client;
  }

  #down(error: StoreError, engine: string): void {
    const { logger, events } = this.#surroundings;
    logger?.warn(`rate-sync: ${nameOf(engine)} unavailable, falling back to in-memory: ${this.#why(error)}`);
    events.emit({ type: "store_down", store: this.id, error });
  }

  #up(downUs: number, engine: string, client: StoreClient): void {
    const { logger, events } = this.#surroundings;
    const seconds = (downUs / 1e6).toFixed(1);
    logger?.info(`rate-sync: ${nameOf(engine)} available again: store ${show(this.id)} decides, after ${seconds} s`);
    client.recovered();
    events.emit({ type: "store_up", store: this.id, downMs: downUs / 1_000 });
  }

  #failed(error: StoreError): void {
    const { clock, logger } = this.#surroundings;
    const nowUs = clock.nowUs();
    if (nowUs - this.#loggedUs < LOG_US) return;
    this.#loggedUs = nowUs;
    logger?.warn(`rate-sync: ${this.#why(error)}`);
  }

  #why({ code, message }: StoreError): string {
    return `store ${show(this.id)} cannot decide (${code}): ${message}`;
  }

  /** How it looks from outside. */
  listing(): StoreListing {
    const config = this.#config;
    const url = !isStore(config) && config.engine === "redis" ? placeOf(splitFailureOptions(config)[1]) : undefined;
    const open = this.#client !== undefined && !this.#closed;
    const breaker = this.current?.guard?.breaker;
    const downSinceUs = breaker?.downSinceUs;
    return {
      engine: config.engine,
      url,
      open,
      load: this.current?.store.load,
      state: breaker?.error === undefined ? "up" : "down",
      downSinceMs: downSinceUs === undefined ? undefined : toWallMs(systemClock, downSinceUs),
      outages: breaker?.outages ?? 0,
      error: breaker?.error,
    };
  }

  /** Tells where it keeps its state, once it counts. */
  announce(): void {
    const { logger } = this.#surroundings;
    const { engine, url } = this.listing();
    if (engine === "redis") {
      const place = url === undefined ? "" : ` at ${url}`;
      logger?.info(`rate-sync: Rate limiter using Redis backend: store ${show(this.id)}${place}`);
    } else logger?.info(`rate-sync: store ${show(this.id)} uses ${engine}`);
  }

  /** Closes the store if it was opened. */
  async close(): Promise<void> {
    this.#closed = true;
    const client = await this.#client;
    await client?.close();
  }
}

/**
 * Checks how a store is described.
 *
 * @throws {ConfigError} If it cannot be used; the path is relative to it.
 */
export function checkStore(config: StoreConfig | Store): void {
  if (typeof config !== "object" || config === null) {
    throw new ConfigError({ path: "store", expected: "an object with an engine", received: show(config) });
  }
  if (isStore(config)) return;
  switch (config.engine) {
    case "memory":
      rejectUnknownOptions(config, ["engine", "maxKeys"]);
      return checkMemory(config.maxKeys);
    case "redis": {
      const [failure, rest] = splitFailureOptions(config);
      checkFailureOptions(failure);
      return void placeOf(rest);
    }
    default: {
      const { engine } = config as { engine: unknown };
      throw new ConfigError({ path: "engine", expected: '"memory" or "redis"', received: show(engine) });
    }
  }
}

function checkMemory(maxKeys: unknown): void {
  if (maxKeys === undefined) return;
  if (typeof maxKeys === "number" && Number.isSafeInteger(maxKeys) && maxKeys >= 1) return;
  throw new ConfigError({ path: "maxKeys", expected: "a whole number from 1", received: show(maxKeys) });
}

function isStore(config: StoreConfig | Store): config is Store {
  return typeof (config as Partial<Store>).execute === "function";
}

/** Makes an embedded store. */
export async function openMemory(options: MemoryStoreOptions): Promise<Store> {
  const { MemoryStore } = await import("../stores/memory/mod.ts");
  return new MemoryStore(options);
}

async function openStore(config: StoreConfig | Store, { clock, logger }: Surroundings): Promise<Store> {
  if (isStore(config)) return config;
  if (config.engine === "memory") return await openMemory({ clock, ...pick("maxKeys", config.maxKeys) });
  const [{ createRedisStore }, { loadDriver }] = await Promise.all([
    import("../stores/redis/mod.ts"),
    import("../stores/redis/connections/client.ts"),
  ]);
  const [, options] = splitFailureOptions(config);
  // Loaded before time is counted. Who connects is told if that fails.
  if (!("client" in options) && !/^https?:/.test(options.url ?? "")) await loadDriver().catch(() => {});
  return createRedisStore(options, {
    onError: (error) => logger?.warn(`rate-sync: ${error.message}`),
  });
}

/** What messages call a store of an engine. */
function nameOf(engine: string): string {
  return engine === "redis" ? "Redis" : `store of engine ${show(engine)}`;
}

function pick<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : { [key]: value } as { [K in Key]: Value };
}
