/**
 * Opens a NATS store that configuration describes. Loaded with the first one that is used.
 *
 * @module
 */

import type { OpenContext } from "../engine.ts";
import type { LogStore } from "../log/log_store.ts";
import { loadNatsDriver } from "./connection/driver.ts";
import { createNatsStore } from "./mod.ts";
import type { NatsClientStoreConfig, NatsStoreConfig } from "./options.ts";

/**
 * Opens a store. The client's package is loaded before time is counted; if that fails, each call of the store says so.
 *
 * @param config Options that have been checked.
 * @param context Where errors in the background go.
 */
export async function openNatsStore(
  config: NatsStoreConfig | NatsClientStoreConfig,
  { onError }: Pick<OpenContext, "onError">,
): Promise<LogStore> {
  await loadNatsDriver().catch(() => {});
  return createNatsStore(config, { onError });
}
