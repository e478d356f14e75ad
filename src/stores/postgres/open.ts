/**
 * Opens a PostgreSQL store that configuration describes. Loaded with the first one that is used.
 *
 * @module
 */

import type { OpenContext } from "../engine.ts";
import { loadDriver } from "./connections/single/driver.ts";
import { createPostgresStore } from "./mod.ts";
import type { PostgresClientStoreConfig, PostgresStoreConfig } from "./options.ts";
import type { PostgresStore } from "./postgres_store.ts";

/**
 * Opens a store. The driver is loaded before time is counted; if that fails, each call of the store says so.
 *
 * @param config Options that have been checked.
 * @param context Where errors in the background go.
 */
export async function openPostgresStore(
  config: PostgresStoreConfig | PostgresClientStoreConfig,
  { onError }: Pick<OpenContext, "onError">,
): Promise<PostgresStore> {
  if (!("client" in config)) await loadDriver().catch(() => {});
  return createPostgresStore(config, { onError });
}
