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
 * @module
 */

import { openNodeRedis } from "./connections/node_redis.ts";
import type { RedisStoreOptions } from "./options.ts";
import { RedisStore, type RedisStoreSettings } from "./redis_store.ts";

export type { RedisConnection, ScriptReply } from "./connections/connection.ts";
export type { RedisStoreOptions } from "./options.ts";
export { RedisStore, type RedisStoreSettings } from "./redis_store.ts";
export type { ScriptCall } from "./encode.ts";
export type { Script } from "./script.ts";
export type * from "../store.ts";

/** What tests may replace in a store. */
export type RedisTestSettings = Pick<RedisStoreSettings, "testClock" | "testScript">;

/**
 * A store over node-redis. Nothing is connected before the first use, or `connect()`.
 *
 * @param options Where Redis is, and how to use it.
 * @param testing For tests only: virtual time in place of the server's clock, and seeded mistakes.
 * @throws {ConfigError} If the URL or an option cannot be used.
 */
export function createRedisStore(
  options: RedisStoreOptions,
  testing: RedisTestSettings = {},
): RedisStore {
  const { keyPrefix, timingMarginMs } = options;
  return new RedisStore(openNodeRedis(options), {
    ...testing,
    ...(keyPrefix === undefined ? {} : { keyPrefix }),
    ...(timingMarginMs === undefined ? {} : { timingMarginMs }),
  });
}
