/**
 * Checks the options of a NATS store when it is configured. A file of its own, because programs without NATS do not load it.
 *
 * @module
 */

import type { NatsClientStoreConfig, NatsStoreConfig } from "../options.ts";
import { readNatsPlace, readNatsSettings } from "./settings.ts";

/**
 * Where a store is, without credentials; undefined for a connection that is given.
 *
 * @throws {ConfigError} If an option cannot be used.
 */
export function natsPlaceOf(config: NatsStoreConfig | NatsClientStoreConfig): string | undefined {
  readNatsSettings(config);
  return "client" in config ? undefined : readNatsPlace(config).label;
}
