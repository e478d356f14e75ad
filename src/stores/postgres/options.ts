/**
 * The options of a PostgreSQL store.
 *
 * @module
 */

import type { FailureOptions } from "../../policy/options.ts";
import type { Credential } from "../credentials.ts";
import type { PostgresClient } from "./connections/clients/postgres_client.ts";

/** What a PostgreSQL store needs, however the server is reached. */
export interface PostgresPlaceOptions {
  /**
   * The schema of the tables and functions, 1 to 63 characters. Stores with the same schema and `tablePrefix` share
   * their limits. @default {"ratesync"}
   */
  readonly schema?: string;
  /** What the names of tables and functions begin with: up to 30 letters, digits and `_`. @default {""} */
  readonly tablePrefix?: string;
  /**
   * Whether the schema, its tables and functions are made when they are missing. Otherwise an owner runs what
   * `ratesync init --postgres` prints, and their lack is an error. @default {true}
   */
  readonly autoCreate?: boolean;
  /**
   * Whether a decision is on disk before it is answered. Without it, decisions of about the last 0.6 seconds are forgotten
   * if the server crashes. @default {false}
   */
  readonly durable?: boolean;
  /**
   * How long one statement or transaction may take, in milliseconds, above 0, before it fails with `STORE_TIMEOUT`. A
   * correction, such as `reset` or `settle`, takes no longer in all.
   * @default {5_000}
   */
  readonly socketTimeoutMs?: number;
  /** How many requests may wait to be sent, 1 or more; more fail with `STORE_OVERLOADED`. @default {65_536} */
  readonly maxQueued?: number;
}

/** How to use a PostgreSQL client that the application has made itself. */
export interface PostgresClientStoreOptions extends PostgresPlaceOptions {
  /**
   * What `postgres()` of the npm package `postgres` gives, a `Pool` of the npm package `pg`, or Bun's `new SQL()`. The
   * store never closes it. It takes up to three of its connections for decisions, and one more to wait for permits.
   */
  readonly client: PostgresClient;
  /**
   * Whether the client's connections are sessions of the server. `false` behind a pooler in transaction mode: then
   * statements are not prepared, and a process with waiting calls asks for its messages instead of listening.
   * @default {true}
   */
  readonly prepare?: boolean;
}

/** How to reach PostgreSQL, and how to use it. */
export interface PostgresStoreOptions extends PostgresPlaceOptions {
  /**
   * `postgres://[user[:password]@]host[:port][/database]`, also `postgresql://`. Several hosts with commas between them
   * are servers of which the primary is used. `postgres:///database?host=/folder` is a socket in a folder.
   *
   * The query may hold `sslmode` as PostgreSQL's own clients know it, `host`, `port`, `user`, `password`, `dbname` and
   * `pgbouncer=true`, which is `prepare: false`. Words of other clients and of ORMs are ignored. Without `sslmode`, TLS
   * is used where the server offers it (`prefer`), but not on this machine.
   */
  readonly url: string;
  /**
   * The user, or a function that gives it at each connect. An empty string means none. @default that of the url, else of
   * the operating system
   */
  readonly username?: Credential;
  /**
   * The password, or a function that gives it at each connect. A URL that holds another one is an error. An empty
   * string means none.
   */
  readonly password?: Credential;
  /**
   * Certificates of the authorities to trust, as PEM text, in place of those of the runtime. An empty string means none,
   * here and in the other TLS options. With one of `tlsCa`, `tlsCert` and `tlsServerName`, the connection is encrypted
   * and the server's certificate is checked (`verify-full`), unless `sslmode` of the URL says otherwise.
   */
  readonly tlsCa?: string;
  /** The certificate of this client, as PEM text, for servers that want one. Needs `tlsKey`. */
  readonly tlsCert?: string;
  /** The private key of `tlsCert`, as PEM text. */
  readonly tlsKey?: string;
  /** The passphrase of `tlsKey`. */
  readonly tlsKeyPassphrase?: string;
  /** The name that the server's certificate must hold, and that the server is asked for. @default the host of the URL */
  readonly tlsServerName?: string;
  /**
   * Whether the connection is encrypted, and any certificate of the server is accepted. For tests only, because then
   * others on the network can read along. @default {false}
   */
  readonly tlsInsecure?: boolean;
  /**
   * Whether the connections are sessions of the server. `false` behind a pooler in transaction mode, such as PgBouncer:
   * then statements are not prepared and sessions get no settings. @default {true}, or `false` with `pgbouncer=true`
   */
  readonly prepare?: boolean;
  /**
   * Where a process listens for messages to its waiting calls, if not at `url`: behind a pooler, the address of the
   * server itself. Without it, where `prepare` is `false`, a process with waiting calls asks for its messages.
   */
  readonly listenUrl?: string;
  /**
   * The most connections that this store opens for decisions, 1 or more; one more listens while calls wait for permits.
   * A connection is opened when the others are in use. @default {4}
   */
  readonly poolMaxSize?: number;
  /** How long opening a connection may take, in milliseconds, above 0. @default {5_000} */
  readonly socketConnectTimeoutMs?: number;
}

/**
 * A store in PostgreSQL, shared by all processes that use the same schema. Its options about failures apply to its
 * limiters without such options.
 */
export interface PostgresStoreConfig extends PostgresStoreOptions, FailureOptions {
  /** Picks this store. */
  readonly engine: "postgres";
}

/** A store in PostgreSQL over a client that the application has made itself; only in code. */
export interface PostgresClientStoreConfig extends PostgresClientStoreOptions, FailureOptions {
  /** Picks this store. */
  readonly engine: "postgres";
}
