/**
 * The Redis store's connection through the npm package `@redis/client` (node-redis), which is loaded at first use.
 *
 * @module
 */

import type { StoreError } from "../../../base/errors.ts";
import type { RedisStoreOptions } from "../options.ts";
import { openCluster } from "./cluster/cluster.ts";
import type { RedisConnection } from "./connection.ts";
import { deleteByPrefix, keyCommands } from "./delete_by_prefix.ts";
import { scanKeys } from "./scan.ts";
import { Pool } from "./single/pool.ts";
import { Sentinels, type SentinelSettings } from "./sentinel/sentinels.ts";
import { readSettings } from "./settings/settings.ts";
import { Subscriber } from "./single/subscriber.ts";

/** What a connection tells its owner. */
export interface NodeRedisHooks {
  /** Called with what goes wrong in the background, such as a lost connection. Must not throw. */
  onError?(error: StoreError): void;
}

/**
 * Makes a connection. Nothing is opened before `connect()` or the first command.
 *
 * Calls arrive at the server in the order in which they were made. While Redis is down, calls fail
 * at once and the connections are set up again in the background. A connection keeps the process alive while a call is
 * in flight on it, and one that calls wait for while it is being opened; nothing else here does.
 *
 * @param options Where Redis is, and how to use it.
 * @param hooks What to tell the owner.
 * @throws {ConfigError} If an option cannot be used, or two of them contradict each other.
 */
export function openNodeRedis(
  options: RedisStoreOptions,
  hooks: NodeRedisHooks = {},
): RedisConnection {
  const settings = readSettings(options);
  const onError = (error: StoreError) => hooks.onError?.(error);
  const { topology, endpoint } = settings;
  if (topology.kind === "cluster") return openCluster({ ...settings, topology }, onError);
  if (topology.kind === "sentinel") return openSentinel({ ...settings, topology }, onError);
  const pool = new Pool(settings, onError);
  return { url: endpoint.label, ...connectionOver(pool, new Subscriber(settings, onError)), prepare: prepareOf(pool) };
}

function openSentinel(settings: SentinelSettings, onError: (error: StoreError) => void): RedisConnection {
  const sentinels = new Sentinels(settings, (error) => {
    pool.reopen(error);
    subscriber.reopen(error);
  });
  const pool = new Pool(settings, onError, sentinels.open);
  const subscriber = new Subscriber(settings, onError, sentinels.open);
  const connection = connectionOver(pool, subscriber);
  return {
    ...connection,
    url: settings.endpoint.label,
    prepare: prepareOf(pool),
    silentSentinels: () => sentinels.silent(),
    close: async () => {
      await Promise.all([sentinels.close(), connection.close()]);
    },
  };
}

function prepareOf(pool: Pool): () => void {
  return () => void pool.prepare().catch(() => {}); // the first call reports it
}

/**
 * The connection that a pool for calls and a subscriber make up.
 *
 * @param pool Carries the calls.
 * @param subscriber Listens.
 */
export function connectionOver(pool: Pool, subscriber: Subscriber): RedisConnection {
  subscriber.compareWith(pool);
  let closing: Promise<unknown> | undefined;
  return {
    run: pool.run,
    subscribe: (...subscription) => subscriber.subscribe(...subscription),
    keys: (pattern) => scanKeys((command) => pool.call((redis) => redis.sendCommand(command)), pattern),
    deleteByPrefix: (prefix) => deleteByPrefix(prefix, keyCommands((send) => pool.call(send))),
    isUp: () => pool.isUp,
    connect: () => pool.connect(),
    close: async () => {
      await (closing ??= Promise.all([pool.close(), subscriber.close()]));
    },
  };
}
