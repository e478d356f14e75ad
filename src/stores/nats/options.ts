/**
 * The options of a NATS store.
 *
 * @module
 */

import type { FailureOptions } from "../../policy/options.ts";
import type { Credential } from "../credentials.ts";
import type { NatsClient } from "./connection/client.ts";

/** What a NATS store needs of a server, however it is reached. */
export interface NatsStreamOptions {
  /**
   * What the names of streams and subjects begin with: letters, digits, `-` and `_`. Stores with the same prefix share
   * their limits. @default {"ratesync"}
   */
  readonly streamPrefix?: string;
  /**
   * Where the server keeps the streams. In `memory`, a single server forgets all limits when it restarts. It counts when
   * the streams are made. @default {"file"}
   */
  readonly storage?: "file" | "memory";
  /**
   * On how many servers of a cluster each stream is kept, from 1 to 5 and odd: 1, 3 or 5. It counts when the streams
   * are made. @default {1}
   */
  readonly replicas?: number;
  /**
   * Over how many streams the limiters are spread, from 1 to 64. A process reads those of the limiters that it uses. One call
   * over several limiters needs all of them in one stream. The same in every process. @default {1}
   */
  readonly shards?: number;
  /** Whether streams that are missing are made. Otherwise their lack is an error. @default {true} */
  readonly autoCreate?: boolean;
  /**
   * What the subjects of answers begin with, for users who may only subscribe to such subjects. @default {"_INBOX"}
   */
  readonly inboxPrefix?: string;
  /** How long a request may take, in milliseconds, above 0, before it fails with `STORE_TIMEOUT`. @default {5_000} */
  readonly socketTimeoutMs?: number;
  /** How long connecting and reading the state may take, in milliseconds, above 0. @default {5_000} */
  readonly socketConnectTimeoutMs?: number;
  /** How many requests may wait to be sent, 1 or more; more fail with `STORE_OVERLOADED`. @default {65_536} */
  readonly maxQueued?: number;
}

/** How to use a connection to NATS that the application has made itself. */
export interface NatsClientStoreOptions extends NatsStreamOptions {
  /** The connection. The store never closes it. */
  readonly client: NatsClient;
}

/** How to reach NATS, and how to use it. */
export interface NatsStoreOptions extends NatsStreamOptions {
  /**
   * `nats://[user[:password]@]host[:port]`, or `tls://` where TLS is required; several servers of a cluster with commas
   * between them. A user without a password is a token.
   */
  readonly url: string;
  /** The user, or a function that gives it at each connect. */
  readonly username?: Credential;
  /** The password, or a function that gives it at each connect. */
  readonly password?: Credential;
  /** A token in place of user and password, or a function that gives it at each connect. */
  readonly token?: Credential;
  /** The text of a credentials file, with the JWT and the seed of a user. */
  readonly creds?: string;
  /** The seed of an NKey, which begins with `SU`. */
  readonly nkeySeed?: string;
  /**
   * Certificates of the authorities to trust, as PEM text, in place of those of the runtime. An empty string means none,
   * here and in the other TLS options. A server that offers TLS is spoken to with TLS, also at `nats://`.
   */
  readonly tlsCa?: string;
  /** The certificate of this client, as PEM text, for servers that want one. Needs `tlsKey`. */
  readonly tlsCert?: string;
  /** The private key of `tlsCert`, as PEM text. */
  readonly tlsKey?: string;
  /** The passphrase of `tlsKey`. */
  readonly tlsKeyPassphrase?: string;
  /** The name that the server's certificate must hold. @default the host of the URL */
  readonly tlsServerName?: string;
  /**
   * Whether any certificate of the server is accepted. For tests only, because then others on the network can read
   * along.
   * @default {false}
   */
  readonly tlsInsecure?: boolean;
}

/**
 * A store in NATS, shared by all processes that use the same streams. Its options about failures apply to its limiters
 * without such options.
 */
export interface NatsStoreConfig extends NatsStoreOptions, FailureOptions {
  /** Picks this store. */
  readonly engine: "nats";
}

/** A store in NATS over a connection that the application has made itself; only in code. */
export interface NatsClientStoreConfig extends NatsClientStoreOptions, FailureOptions {
  /** Picks this store. */
  readonly engine: "nats";
}
