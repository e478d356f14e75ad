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
import type { StoreError } from "../../base/errors.ts";
import type { RedisStoreOptions } from "./options.ts";
import { RedisStore, type RedisStoreSettings } from "./redis_store.ts";

export type { RedisConnection, ScriptReply } from "./connections/connection.ts";
export type { RedisStoreOptions } from "./options.ts";
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
 * A store over node-redis. Nothing is connected before the first use, or `connect()`.
 *
 * @param options Where Redis is, and how to use it.
 * @param extras Who is told of lost connections; for tests, virtual time and seeded mistakes.
 * @throws {ConfigError} If the URL or an option cannot be used.
 */
export function createRedisStore(
  options: RedisStoreOptions,
  { onError, ...testing }: RedisStoreExtras = {},
): RedisStore {
  const { keyPrefix, timingMarginMs, maxQueued } = options;
  return new RedisStore(openNodeRedis(options, onError === undefined ? {} : { onError }), {
    ...testing,
    ...(keyPrefix === undefined ? {} : { keyPrefix }),
    ...(timingMarginMs === undefined ? {} : { timingMarginMs }),
    ...(maxQueued === undefined ? {} : { maxQueued }),
  });
}
