/**
 * Opens a Redis store that configuration describes. Loaded with the first one that is used.
 *
 * @module
 */

import type { OpenContext } from "../engine.ts";
import { isRestUrl } from "./connections/rest/settings.ts";
import { loadDriver } from "./connections/single/client.ts";
import { createRedisStore } from "./mod.ts";
import type { RedisClientStoreConfig, RedisStoreConfig } from "./options.ts";
import type { RedisStore } from "./redis_store.ts";

/**
 * Opens a store. The driver is loaded before time is counted; if that fails, each call of the store says so.
 *
 * @param config Options that have been checked.
 * @param context Where errors in the background go.
 */
export async function openRedis(
  config: RedisStoreConfig | RedisClientStoreConfig,
  { onError }: Pick<OpenContext, "onError">,
): Promise<RedisStore> {
  if (!("client" in config) && !isRestUrl(config.url)) await loadDriver().catch(() => {});
  return createRedisStore(config, { onError });
}
