/**
 * The options of a Redis store.
 *
 * @module
 */

import type { FailureOptions } from "../../policy/options.ts";
import type { Credential } from "../credentials.ts";
import type { RedisClient } from "./connections/clients/redis_client.ts";

/** How to use a Redis client that the application has made itself. */
export interface RedisClientStoreOptions {
  /**
   * A client of node-redis (or a pool), ioredis, Bun, `@upstash/redis` or `@vercel/kv`. It is never closed or changed
   * by the store; to wait for permits, the store listens on a `duplicate()` of it, which it closes. Over REST it polls
   * instead.
   */
  readonly client: RedisClient;
  /** The first part of each key. Not empty. @default {"rate_limit"} */
  readonly keyPrefix?: string;
  /** How long one command may take, in milliseconds, above 0, before it fails with `STORE_TIMEOUT`. @default {5_000} */
  readonly socketTimeoutMs?: number;
  /** How long the client may take to become ready at the first use, in milliseconds, above 0. @default {5_000} */
  readonly socketConnectTimeoutMs?: number;
  /** How many requests may wait to be sent, 1 or more; more fail with `STORE_OVERLOADED`. @default {65_536} */
  readonly maxQueued?: number;
  /**
   * In a cluster, what one script call is about: keys in all slots of a node, where the nodes let scripts do that, or
   * keys in one slot. @default {"node"}
   */
  readonly clusterBatch?: "node" | "slot";
  /** Time added to the TTL of keys, in milliseconds, 0 or more. @default {10} */
  readonly timingMarginMs?: number;
}

/** How to reach Redis, and how to use it. */
export interface RedisStoreOptions {
  /**
   * `redis://[[user]:password@]host[:port][/db]`, or `rediss://` for TLS; `valkey://` and `valkeys://` are the same.
   * `unix:///path` of a socket, also with `[user]:password@` in front of the path. The query may hold `family=4` or
   * `6`, `ssl_cert_reqs=none` (as `tlsInsecure`), `db`, `username`, `password` and `protocol`.
   *
   * `https://host` of a REST endpoint such as Upstash's, with its `token`: what concerns databases, passwords, TLS and
   * connections is not for REST.
   *
   * Several servers in one URL:
   * `redis+sentinel://[[user]:password@]host[:port],host[:port].../master name[/db]` and
   * `redis+cluster://[[user]:password@]host[:port],host[:port]...`; user and password are those of Redis, not of the
   * Sentinels. Give one of `url`, `sentinels` and `cluster`.
   */
  readonly url?: string;
  /** The token of a REST endpoint. An empty string means none. */
  readonly token?: string;
  /**
   * URLs of Sentinels, `redis://[[user]:password@]host[:port]`, with their own user and password; the default port is
   * 26379. They name the primary, which uses TLS if they do. Needs `masterName`.
   */
  readonly sentinels?: readonly string[];
  /** The name that the Sentinels have for the primary. */
  readonly masterName?: string;
  /** ACL user at Sentinels whose URLs name none. `username` is the one at Redis. */
  readonly sentinelUsername?: Credential;
  /** Password at Sentinels whose URLs hold none. */
  readonly sentinelPassword?: Credential;
  /**
   * URLs of some nodes of a Redis Cluster; the first that answers names the others. User and password are the same for
   * all.
   */
  readonly cluster?: readonly string[];
  /**
   * Where the nodes of a cluster are from here, if not where the cluster says: `host:port` as the cluster names a node,
   * to `host:port`. For clusters behind address translation.
   */
  readonly clusterNodeAddresses?: Readonly<Record<string, string>>;
  /**
   * Database number, 0 or more. Must agree with that of the URL, if there is one. A cluster has only 0. @default {0}
   */
  readonly db?: number;
  /**
   * The password, or a function that gives it at each connect. A URL that holds another one is an error. An empty
   * string means none.
   */
  readonly password?: Credential;
  /** ACL user, or a function that gives it at each connect. An empty string means none. @default {"default"} */
  readonly username?: Credential;
  /**
   * With `rediss://`: certificates of the authorities to trust, as PEM text, in place of those of the runtime. An empty
   * string means none, here and in the other TLS options.
   */
  readonly tlsCa?: string;
  /** With `rediss://`: the certificate of this client, as PEM text, for servers that want one. Needs `tlsKey`. */
  readonly tlsCert?: string;
  /** The private key of `tlsCert`, as PEM text. */
  readonly tlsKey?: string;
  /** The passphrase of `tlsKey`. */
  readonly tlsKeyPassphrase?: string;
  /**
   * The name that the server's certificate must hold, and that the server is asked for. @default the host of the URL
   */
  readonly tlsServerName?: string;
  /**
   * Whether any certificate of the server is accepted. For tests only, because then others on the network can read
   * along.
   * @default {false}
   */
  readonly tlsInsecure?: boolean;
  /** The first part of each key. Not empty. @default {"rate_limit"} */
  readonly keyPrefix?: string;
  /**
   * Connections to open, 1 or more, at most `poolMaxSize`. One carries all decisions,
   * many in one command; the others are spares that take over when it is lost. In a cluster, for each of its primaries.
   * @default {2}, or 1 in a cluster
   */
  readonly poolMinSize?: number;
  /**
   * The most connections that this store may open for commands; 1 or more. It only limits `poolMinSize`. @default {10}
   */
  readonly poolMaxSize?: number;
  /** How long one command may take, in milliseconds, above 0, before it fails with `STORE_TIMEOUT`. @default {5_000} */
  readonly socketTimeoutMs?: number;
  /** How long opening a connection may take, in milliseconds, above 0. @default {5_000} */
  readonly socketConnectTimeoutMs?: number;
  /**
   * How many requests may wait to be sent, 1 or more; more fail at once with `STORE_OVERLOADED`, and the limiter's
   * failure policy decides. @default {65_536}
   */
  readonly maxQueued?: number;
  /**
   * In a cluster, what one script call is about: keys in all slots of a node, where the nodes let scripts do that, or
   * keys in one slot. @default {"node"}
   */
  readonly clusterBatch?: "node" | "slot";
  /**
   * Time added to the TTL of keys, in milliseconds, 0 or more. It changes no decision: the server's clock decides.
   * @default {10}
   */
  readonly timingMarginMs?: number;
}

/**
 * A store in Redis, shared by all processes that use the same Redis. Its options about failures apply to its limiters
 * without such options.
 */
export interface RedisStoreConfig extends RedisStoreOptions, FailureOptions {
  /** Picks this store. */
  readonly engine: "redis";
}

/** A store in Redis over a client that the application has made itself; only in code. */
export interface RedisClientStoreConfig extends RedisClientStoreOptions, FailureOptions {
  /** Picks this store. */
  readonly engine: "redis";
}
