/**
 * The Redis store of `@ratesync/core`, for those who build one by hand. Configuration with `engine: "redis"` does it
 * for everyone else.
 *
 * @example A store over a URL
 * ```ts
 * import { createRateSync } from "@ratesync/core";
 * import { createRedisStore } from "@ratesync/core/redis";
 *
 * const store = createRedisStore({ url: "redis://localhost:6379/0" });
 * const rs = createRateSync({ stores: { shared: store }, limiters: { api: { ratePerSecond: 100 } } });
 * ```
 *
 * @example A store over a client that is there already
 * ```ts
 * import { createRedisStore } from "@ratesync/core/redis";
 * import { createClient } from "redis";
 *
 * const client = await createClient({ url: "redis://localhost:6379/0" }).on("error", console.error).connect();
 * const store = createRedisStore({ client });
 * ```
 *
 * @module
 */

import { openGivenClient } from "./connections/clients.ts";
import { openNodeRedis } from "./connections/node_redis.ts";
import { ConfigError, type StoreError } from "../../base/errors.ts";
import type { RedisClientStoreOptions, RedisStoreOptions } from "./options.ts";
import { RedisStore, type RedisStoreSettings } from "./redis_store.ts";

export type { RedisConnection, ScriptReply } from "./connections/connection.ts";
export type { RedisClient } from "./connections/clients.ts";
export type { Emitter } from "./connections/given.ts";
export type { IoredisLike } from "./connections/given_ioredis.ts";
export type { NodeRedisLike, NodeRedisPoolLike } from "./connections/given_node_redis.ts";
export type { RedisClientStoreOptions, RedisStoreOptions } from "./options.ts";
export { RedisStore, type RedisStoreSettings } from "./redis_store.ts";
export type { ScriptCall } from "./encode.ts";
export type { Script } from "./script.ts";
export type { StoreCheck, StoreProblem, StoreProblemKind } from "../check.ts";
export type * from "../store.ts";

/** What a store may be given beside its options. */
export interface RedisStoreExtras extends Pick<RedisStoreSettings, "testClock" | "testScript"> {
  /** Called with what goes wrong in the background, such as a lost connection. Must not throw. */
  readonly onError?: (error: StoreError) => void;
}

/**
 * A store over a URL, through node-redis, or over a client that is there already. Nothing is connected before the first
 * use, or `connect()`. A client that was given stays open when the store is closed.
 *
 * @param options Where Redis is, or the client, and how to use it.
 * @param extras Who is told of lost connections; for tests, virtual time and seeded mistakes.
 * @throws {ConfigError} If the URL, the client or an option cannot be used, or not one of URL and client is given.
 */
export function createRedisStore(
  options: RedisStoreOptions | RedisClientStoreOptions,
  { onError, ...testing }: RedisStoreExtras = {},
): RedisStore {
  const { keyPrefix, timingMarginMs, maxQueued } = options;
  const hooks = onError === undefined ? {} : { onError };
  return new RedisStore(isGiven(options) ? openGivenClient(options, hooks) : openNodeRedis(options, hooks), {
    ...testing,
    ...(keyPrefix === undefined ? {} : { keyPrefix }),
    ...(timingMarginMs === undefined ? {} : { timingMarginMs }),
    ...(maxQueued === undefined ? {} : { maxQueued }),
  });
}

function isGiven(options: RedisStoreOptions | RedisClientStoreOptions): options is RedisClientStoreOptions {
  const { url, client } = options as { url?: unknown; client?: unknown };
  if (url !== undefined && client !== undefined) {
    throw new ConfigError({ path: "client", expected: "a url or a client, not both", received: "both" });
  }
  if (url === undefined && client === undefined) {
    throw new ConfigError({ path: "url", expected: "a url, or a client in its place", received: "neither" });
  }
  return client !== undefined;
}
