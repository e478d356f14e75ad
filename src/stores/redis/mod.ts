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
 * @example A store over REST
 * ```ts
 * import { createRedisStore } from "@ratesync/core/redis";
 *
 * const store = createRedisStore({ url: "https://example.upstash.io", token: "AXxyASQgN2M" });
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

import { rejectUnknownOptions } from "../../base/unknown_options.ts";
import { openGivenClient } from "./connections/clients/open.ts";
import type { RedisConnection } from "./connections/connection.ts";
import { type NodeRedisHooks, openNodeRedis } from "./connections/node_redis.ts";
import { isGiven } from "./connections/place.ts";
import { openRest } from "./connections/rest/fetch.ts";
import { isRestUrl } from "./connections/rest/settings.ts";
import type { StoreError } from "../../base/errors.ts";
import type { RedisClientStoreOptions, RedisStoreOptions } from "./options.ts";
import { checkRedisOptions } from "./option_table.ts";
import { RedisStore } from "./redis_store.ts";
import type { RedisStoreSettings } from "./store_settings.ts";

export type { ClusterNodeView, ClusterView, RedisConnection, ScriptReply } from "./connections/connection.ts";
export type {
  BunRedisLike,
  Emitter,
  IoredisClusterLike,
  IoredisLike,
  NodeRedisClusterLike,
  NodeRedisClusterNode,
  NodeRedisLike,
  NodeRedisPoolLike,
  NodeRedisSentinelLike,
  RedisClient,
  UpstashLike,
} from "./connections/clients/redis_client.ts";
export { type RedisFromEnv, redisFromEnv } from "./from_env.ts";
export type { Credential } from "../credentials.ts";
export type { RedisClientStoreOptions, RedisStoreOptions } from "./options.ts";
export { RedisStore } from "./redis_store.ts";
export type { RedisStoreSettings } from "./store_settings.ts";
export type { ScriptCall } from "./script_call.ts";
export type { Script } from "./script.ts";
export type { Board, BoardPost } from "../board.ts";
export type { StoreCheck, StoreProblem, StoreProblemKind } from "../check.ts";
export type { KeySample, RulesInUse, ServerFacts, StoreInspection } from "../inspection.ts";
export type * from "../store.ts";

/** What a store may be given beside its options. */
export interface RedisStoreExtras extends Pick<RedisStoreSettings, "testClock" | "testScript"> {
  /** Called with what goes wrong in the background, such as a lost connection. Must not throw. */
  readonly onError?: (error: StoreError) => void;
}

/**
 * A store over a URL, through node-redis or REST, or over a client that is there already. Nothing is connected before the first
 * use, or `connect()`. A client that was given stays open when the store is closed.
 *
 * @param options Where Redis is, or the client, and how to use it.
 * @param extras Listeners for lost connections; for tests, virtual time and seeded mistakes.
 * @throws {ConfigError} If the URL, the client or an option cannot be used, or not one of URL and client is given.
 */
export function createRedisStore(
  options: RedisStoreOptions | RedisClientStoreOptions,
  extras: RedisStoreExtras = {},
): RedisStore {
  checkRedisOptions(options);
  rejectUnknownOptions(extras, ["onError", "testClock", "testScript"], "extras.");
  const { onError, ...testing } = extras;
  const { keyPrefix, timingMarginMs, maxQueued, clusterBatch } = options;
  const hooks = onError === undefined ? {} : { onError };
  return new RedisStore(open(options, hooks), {
    ...testing,
    ...(keyPrefix === undefined ? {} : { keyPrefix }),
    ...(timingMarginMs === undefined ? {} : { timingMarginMs }),
    ...(maxQueued === undefined ? {} : { maxQueued }),
    ...(clusterBatch === undefined ? {} : { clusterBatch }),
  });
}

function open(options: RedisStoreOptions | RedisClientStoreOptions, hooks: NodeRedisHooks): RedisConnection {
  if (isGiven(options)) return openGivenClient(options, hooks);
  return isRestUrl(options.url) ? openRest(options) : openNodeRedis(options, hooks);
}
