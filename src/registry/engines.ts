/**
 * The kinds of stores that configuration can name. A new one is a folder in `stores/`, its options in `StoreConfig`, and
 * a row in `ENGINES`.
 *
 * @module
 */

import type { OptionTable } from "../base/option_table.ts";
import { FAILURE_OPTIONS } from "../policy/failure_options.ts";
import type { Engine, OpenContext } from "../stores/engine.ts";
import { memoryEngine } from "../stores/memory/engine.ts";
import type { MemoryStoreConfig } from "../stores/memory/options.ts";
import { natsEngine } from "../stores/nats/engine.ts";
import type { NatsClientStoreConfig, NatsStoreConfig } from "../stores/nats/options.ts";
import { postgresEngine } from "../stores/postgres/engine.ts";
import type { PostgresClientStoreConfig, PostgresStoreConfig } from "../stores/postgres/options.ts";
import { redisEngine } from "../stores/redis/engine.ts";
import type { RedisClientStoreConfig, RedisStoreConfig } from "../stores/redis/options.ts";
import type { Store } from "../stores/store.ts";

/** A store as configuration describes it. */
export type StoreConfig =
  | MemoryStoreConfig
  | RedisStoreConfig
  | RedisClientStoreConfig
  | NatsStoreConfig
  | NatsClientStoreConfig
  | PostgresStoreConfig
  | PostgresClientStoreConfig;

/** The name of an engine. */
export type EngineName = StoreConfig["engine"];

/** Each engine by the name that configuration calls it. */
export const ENGINES: Readonly<Record<EngineName, Engine<StoreConfig>>> = {
  memory: memoryEngine,
  redis: redisEngine,
  nats: natsEngine,
  postgres: postgresEngine,
};

/** The names of the engines. */
export const ENGINE_NAMES = Object.keys(ENGINES) as readonly EngineName[];

/** The store that decides where none is configured, and while another one cannot. */
export const EMBEDDED: StoreConfig = { engine: "memory" };

/** Loads what `openEmbedded` needs. */
export async function loadEmbedded(): Promise<void> {
  await import("../stores/memory/mod.ts");
}

/** Opens the embedded store. */
export function openEmbedded(context: OpenContext): Promise<Store> {
  return ENGINES[EMBEDDED.engine].open(EMBEDDED, context);
}

/** The engine of a name, which may be that of a store that was given; undefined if there is none. */
export function engineNamed(name: string): Engine<StoreConfig> | undefined {
  return (ENGINE_NAMES as readonly string[]).includes(name) ? ENGINES[name as EngineName] : undefined;
}

/** The options of a store, but for `engine`. Those about failures are for stores outside this process. */
export function optionsOf({ remote, options }: Engine<StoreConfig>): OptionTable {
  return remote === undefined ? options() : { ...options(), ...FAILURE_OPTIONS };
}
