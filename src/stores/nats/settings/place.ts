/**
 * Where a NATS store is: checked when it is configured, before anything is loaded that connects to it.
 *
 * @module
 */

import { ConfigError } from "../../../base/errors.ts";
import { kindOf } from "../../../base/text.ts";
import type { NatsClientStoreOptions, NatsStoreOptions } from "../options.ts";
import { readNatsPlace, readNatsSettings } from "./settings.ts";
import { URL_FORM } from "./url.ts";

export { NATS_OPTIONS } from "../option_table.ts";

/** What is used of a client. */
const METHODS = ["publish", "subscribe", "status", "closed", "isClosed", "close"] as const;

/**
 * Whether options hold a connection.
 *
 * @throws {ConfigError} If they hold both a URL and a connection, or neither, or something that is no connection.
 */
export function isGivenNats(options: NatsStoreOptions | NatsClientStoreOptions): options is NatsClientStoreOptions {
  const { url, client } = options as Partial<NatsStoreOptions & NatsClientStoreOptions>;
  if (url !== undefined && client !== undefined) {
    throw new ConfigError({ path: "client", expected: "a url or a client, not both", received: "both" });
  }
  if (url === undefined && client === undefined) {
    const expected = `a url, or a client in its place: ${URL_FORM}`;
    throw new ConfigError({ path: "url", expected, received: "neither" });
  }
  if (client === undefined) return false;
  const missing = METHODS.find((name) => typeof (client as Partial<typeof client> | null)?.[name] !== "function");
  if (missing === undefined) return true;
  throw new ConfigError({
    path: "client",
    expected: "a connection of @nats-io/transport-node, or one that behaves like it",
    received: `${kindOf(client)} without ${missing}()`,
  });
}

/**
 * Checks the options of a store, and tells where it is, without credentials; undefined for a connection that is given.
 *
 * @throws {ConfigError} If an option cannot be used.
 */
export function natsPlaceOf(options: NatsStoreOptions | NatsClientStoreOptions): string | undefined {
  readNatsSettings(options);
  return isGivenNats(options) ? undefined : readNatsPlace(options).label;
}
