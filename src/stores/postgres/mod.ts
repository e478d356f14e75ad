/**
 * The PostgreSQL store of `@ratesync/core`, for those who build one by hand. Configuration with `engine: "postgres"` does
 * it for everyone else.
 *
 * @example A store over a URL
 * ```ts
 * import { createRateSync } from "@ratesync/core";
 * import { createPostgresStore } from "@ratesync/core/postgres";
 *
 * const store = createPostgresStore({ url: "postgres://postgres@localhost:5432/postgres" });
 * const rs = createRateSync({ stores: { shared: store }, limiters: { api: { ratePerSecond: 100 } } });
 * ```
 *
 * @example A store over a pool that is there already
 * ```ts
 * import { createPostgresStore } from "@ratesync/core/postgres";
 * import { Pool } from "pg";
 *
 * const client = new Pool({ connectionString: "postgres://postgres@localhost:5432/postgres" });
 * const store = createPostgresStore({ client });
 * ```
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { StoreError } from "../../base/errors.ts";
import { rejectUnknownOptions } from "../../base/unknown_options.ts";
import { openGivenClient } from "./connections/clients/open.ts";
import { isGiven } from "./connections/place.ts";
import { openPostgresJs } from "./connections/postgres_js.ts";
import type { PostgresClientStoreOptions, PostgresStoreOptions } from "./options.ts";
import { checkPostgresOptions } from "./option_table.ts";
import { PostgresStore } from "./postgres_store.ts";

export type { ChannelListener, PostgresConnection, Row, SessionDefaults, Statement } from "./connections/connection.ts";
export type {
  BunSqlLike,
  BunSqlReserved,
  PgClientLike,
  PgPoolLike,
  PostgresClient,
  PostgresJsLike,
  PostgresJsTransaction,
} from "./connections/clients/postgres_client.ts";
export { type PostgresFromEnv, postgresFromEnv } from "./from_env.ts";
export type { PostgresPlace } from "./names.ts";
export type { PostgresClientStoreOptions, PostgresPlaceOptions, PostgresStoreOptions } from "./options.ts";
export { PostgresStore } from "./postgres_store.ts";
export type { PostgresStoreSettings } from "./store_settings.ts";
export { postgresGrants } from "./grants.ts";
export { postgresSetup } from "./setup.ts";
export type { Credential } from "../credentials.ts";
export type { Board, BoardPost } from "../board.ts";
export type { StoreCheck, StoreProblem, StoreProblemKind } from "../check.ts";
export type { KeySample, RulesInUse, ServerFacts, StoreInspection } from "../inspection.ts";
export type * from "../store.ts";

/** What a store may be given beside its options. */
export interface PostgresStoreExtras {
  /** Called with what goes wrong in the background, such as a lost connection. Must not throw. */
  readonly onError?: (error: StoreError) => void;
  /** A clock that replaces the server's, for tests with virtual time. Never in production. */
  readonly testClock?: Clock;
}

/**
 * A store over a URL, through the npm package `postgres`, or over a client that is there already. Nothing is connected
 * before the first use, or `connect()`. A client that was given stays open when the store is closed.
 *
 * @param options Where PostgreSQL is, or the client, and how to use it.
 * @param extras A listener for lost connections; for tests, virtual time.
 * @throws {ConfigError} If the URL, the client or an option cannot be used, or not one of URL and client is given.
 */
export function createPostgresStore(
  options: PostgresStoreOptions | PostgresClientStoreOptions,
  extras: PostgresStoreExtras = {},
): PostgresStore {
  checkPostgresOptions(options);
  rejectUnknownOptions(extras, ["onError", "testClock"], "extras.");
  const { onError, testClock } = extras;
  const { schema, tablePrefix, autoCreate, durable, socketTimeoutMs, maxQueued } = options;
  const connection = isGiven(options) ? openGivenClient(options) : openPostgresJs(options, onError);
  const settings = { schema, tablePrefix, autoCreate, durable, socketTimeoutMs, maxQueued, testClock };
  return new PostgresStore(connection, settings);
}
