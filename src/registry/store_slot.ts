/**
 * A configured store: opened at first use, closed when it is replaced.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { ClosedError, ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import { rejectUnknownOptions } from "../base/unknown_options.ts";
import type { Logger } from "../limiter/events.ts";
import { StoreClient } from "../limiter/store_client.ts";
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
}

/** What stores and limiters need of their surroundings. */
export interface Surroundings {
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where messages go. */
  readonly logger: Logger | undefined;
}

/** A place for a store. */
export class StoreSlot {
  /** The store's id. */
  readonly id: string;
  readonly #config: StoreConfig | Store;
  readonly #surroundings: Surroundings;
  #client: Promise<StoreClient> | undefined;
  #current: StoreClient | undefined;
  #closed = false;

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
    this.#surroundings = surroundings;
  }

  /** The store's client; opened at the first call. */
  client(): Promise<StoreClient> {
    if (this.#closed) return Promise.reject(new ClosedError(`store ${show(this.id)}`));
    return this.#client ??= this.#open();
  }

  /** The store's client, if it is open. */
  get current(): StoreClient | undefined {
    return this.#closed ? undefined : this.#current;
  }

  async #open(): Promise<StoreClient> {
    const { clock } = this.#surroundings;
    const store = await openStore(this.#config, this.#surroundings);
    if (store.isLocal) return this.#current = new StoreClient(this.id, store, clock);
    // The embedded store decides while this one cannot: it is loaded before anything has gone wrong.
    const [{ Foresight }] = await Promise.all([import("../limiter/foresight.ts"), import("../stores/memory/mod.ts")]);
    return this.#current = new StoreClient(this.id, store, clock, new Foresight(store, clock));
  }

  /** How it looks from outside. */
  listing(): StoreListing {
    const config = this.#config;
    const url = !isStore(config) && config.engine === "redis" ? placeOf(config) : undefined;
    const open = this.#client !== undefined && !this.#closed;
    return { engine: config.engine, url, open, load: this.current?.store.load };
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
    case "redis":
      return void placeOf(config);
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
  const { createRedisStore } = await import("../stores/redis/mod.ts");
  return createRedisStore(config, {
    onError: (error) => logger?.warn(`rate-sync: ${error.message}`),
  });
}

function pick<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : { [key]: value } as { [K in Key]: Value };
}
