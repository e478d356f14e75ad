/**
 * A store's connection over a client that the application has made.
 *
 * @module
 */

import type { PostgresClientStoreOptions } from "../../options.ts";
import type { PostgresConnection } from "../connection.ts";
import { readGiven } from "../place.ts";
import { type ClientAdapter, connectionOver } from "./adapter.ts";
import { adaptBun } from "./bun.ts";
import { adaptPg } from "./pg.ts";
import { adaptPostgresJs } from "./postgres_js.ts";
import type { KnownClient } from "./recognise.ts";

/**
 * Makes a connection over a client, which is never closed.
 *
 * @throws {ConfigError} If the client is of no known kind, or an option cannot be used.
 */
export function openGivenClient(options: PostgresClientStoreOptions): PostgresConnection {
  const given = readGiven(options);
  return connectionOver(adapterOf(given.known, given.prepare), given);
}

function adapterOf(known: KnownClient, prepare: boolean): ClientAdapter {
  if (known.kind === "pool of pg") return adaptPg(known.client, prepare);
  return known.kind === "client of Bun" ? adaptBun(known.client) : adaptPostgresJs(known.client, prepare);
}
