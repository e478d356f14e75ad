/**
 * The options of a Redis store.
 *
 * @module
 */

import type { RedisClient } from "./connections/recognise.ts";

/** How to use a Redis client that the application has made itself. */
export interface RedisClientStoreOptions {
  /**
   * A client of node-redis (or a pool), ioredis, Bun, `@upstash/redis` or `@vercel/kv`. It is never closed or changed by
   * the store; where somebody waits for a slot, the store listens on a `duplicate()` of it, and closes that. Over REST
   * it asks for its messages instead.
   */
  readonly client: RedisClient;
  /** What every key begins with. Not empty. @default {"rate_limit"} */
  readonly keyPrefix?: string;
  /** How long one command may take, in milliseconds, before it fails with `STORE_TIMEOUT`. @default {5_000} */
  readonly socketTimeoutMs?: number;
  /** How long the client may take to become ready at the first use, in milliseconds. @default {5_000} */
  readonly socketConnectTimeoutMs?: number;
  /** How many requests may wait to be sent, 1 or more; more fail with `STORE_OVERLOADED`. @default {65_536} */
  readonly maxQueued?: number;
  /** Grace added to every key's time to live, in milliseconds. @default {10} */
  readonly timingMarginMs?: number;
}

/** How to reach Redis, and how to use it. */
export interface RedisStoreOptions {
  /**
   * `redis://[[user]:password@]host[:port][/db]`, or `rediss://` for TLS; or `https://host` of a REST endpoint such as
   * Upstash's, with its `token`. What concerns databases, passwords, TLS and connections is not for REST.
   */
  readonly url: string;
  /** The token of a REST endpoint. An empty string means none. */
  readonly token?: string;
  /** Database number, 0 or more. Must agree with the URL's, where the URL names one. @default {0} */
  readonly db?: number;
  /** Password; overrides none: an error where the URL holds another one. An empty string means none. */
  readonly password?: string;
  /** ACL user. An empty string means none. @default {"default"} */
  readonly username?: string;
  /**
   * With `rediss://`: certificates of the authorities to trust, as PEM text, in place of those of the runtime. An empty
   * string means none, here and in the other TLS options.
   */
  readonly tlsCa?: string;
  /** With `rediss://`: the certificate of this client, as PEM text, for servers that want one. Needs `tlsKey`. */
  readonly tlsCert?: string;
  /** The private key of `tlsCert`, as PEM text. */
  readonly tlsKey?: string;
  /** What `tlsKey` is encrypted with. */
  readonly tlsKeyPassphrase?: string;
  /** The name that the server's certificate must hold, and that the server is asked for. @default the host of the URL */
  readonly tlsServerName?: string;
  /**
   * Whether any certificate of the server is taken: for trying out only, because then anyone between can read along.
   * @default {false}
   */
  readonly tlsInsecure?: boolean;
  /** What every key begins with. Not empty. @default {"rate_limit"} */
  readonly keyPrefix?: string;
  /**
   * Connections opened by `connect()` or the first use, 1 or more, at most `poolMaxSize`. One carries all decisions,
   * many in one command; the others are spares that take over when it is lost. @default {2}
   */
  readonly poolMinSize?: number;
  /** The most connections that this store may open for commands; 1 or more. It needs no more than `poolMinSize`. @default {10} */
  readonly poolMaxSize?: number;
  /** How long one command may take, in milliseconds, before it fails with `STORE_TIMEOUT`. @default {5_000} */
  readonly socketTimeoutMs?: number;
  /** How long opening a connection may take, in milliseconds. @default {5_000} */
  readonly socketConnectTimeoutMs?: number;
  /**
   * How many requests may wait to be sent, 1 or more; more fail at once with `STORE_OVERLOADED`, and the limiter's
   * failure policy decides. @default {65_536}
   */
  readonly maxQueued?: number;
  /**
   * Grace added to every key's time to live, in milliseconds. It has no part in any decision: the server's clock
   * decides. @default {10}
   */
  readonly timingMarginMs?: number;
}
