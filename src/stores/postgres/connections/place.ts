/**
 * Where a PostgreSQL store is, of whichever kind its options are: checked, before anything is loaded that connects to it.
 *
 * @module
 */

import { ConfigError } from "../../../base/errors.ts";
import { checkPostgresOptions } from "../option_table.ts";
import type { PostgresClientStoreOptions, PostgresStoreOptions } from "../options.ts";
import { type KnownClient, labelOf, recognise } from "./clients/recognise.ts";
import { readSettings, SOCKET_TIMEOUT_MS } from "./settings/settings.ts";
import { URL_FORM } from "./settings/url_text.ts";

export { POSTGRES_OPTIONS } from "../option_table.ts";

/** A given client, and how to use it. */
export interface Given {
  /** The client. */
  readonly known: KnownClient;
  /** What messages call it. */
  readonly label: string;
  /** Whether its connections are sessions of the server. */
  readonly prepare: boolean;
  /** How long one statement may take, in milliseconds. */
  readonly socketTimeoutMs: number;
}

/**
 * Whether options hold a client.
 *
 * @throws {ConfigError} If they hold both a URL and a client, or neither.
 */
export function isGiven(
  options: PostgresStoreOptions | PostgresClientStoreOptions,
): options is PostgresClientStoreOptions {
  const { url, client } = options as Partial<PostgresStoreOptions & PostgresClientStoreOptions>;
  if (url !== undefined && client !== undefined) {
    throw new ConfigError({ path: "client", expected: "a url or a client, not both", received: "both" });
  }
  if (url === undefined && client === undefined) {
    const expected = `a url, or a client in its place: ${URL_FORM}`;
    throw new ConfigError({ path: "url", expected, received: "neither" });
  }
  return client !== undefined;
}

/**
 * Checks the options of a store over a given client.
 *
 * @throws {ConfigError} If the client is of no known kind, or an option cannot be used.
 */
export function readGiven(options: PostgresClientStoreOptions): Given {
  checkPostgresOptions(options, (row) => row.client);
  const known = recognise(options.client);
  const { prepare = true, socketTimeoutMs = SOCKET_TIMEOUT_MS } = options;
  return { known, label: labelOf(known), prepare, socketTimeoutMs };
}

/**
 * Checks the options of a PostgreSQL store, and tells where it is, without credentials.
 *
 * @throws {ConfigError} If they cannot be used.
 */
export function postgresPlaceOf(options: PostgresStoreOptions | PostgresClientStoreOptions): string {
  return isGiven(options) ? readGiven(options).label : readSettings(options).endpoint.label;
}
