/**
 * The options of a Redis store, checked; those of its connection with their defaults.
 *
 * @module
 */

import { ConfigError } from "../../../../base/errors.ts";
import { show } from "../../../../base/text.ts";
import { readTls, type TlsSettings } from "../../../tls_options.ts";
import { checkRedisOptions } from "../../option_table.ts";
import type { RedisStoreOptions } from "../../options.ts";
import { readTopology, type Topology } from "./topology.ts";
import type { Endpoint } from "./url.ts";

/** What opens and keeps connections. Every value has been checked. */
export interface ConnectionSettings {
  /** Where the server is. */
  readonly endpoint: Endpoint;
  /** Whether it is the only one, and who knows the others. */
  readonly topology: Topology;
  /** How the connection is encrypted, where the endpoint says that it is. */
  readonly tls: TlsSettings;
  /** Connections to open. */
  readonly poolMinSize: number;
  /** The most connections for commands. */
  readonly poolMaxSize: number;
  /** How long one command may take, in milliseconds. */
  readonly socketTimeoutMs: number;
  /** How long opening one connection may take, in milliseconds, with the handshake. */
  readonly socketConnectTimeoutMs: number;
}

const POOL_MIN_SIZE = 2;
const POOL_MAX_SIZE = 10;
/** How long a command, or opening a connection, may take where nothing else is said. */
export const SOCKET_TIMEOUT_MS = 5_000;

/**
 * Checks the options, and fills in the defaults of those that concern the connection.
 *
 * @param options The store's options.
 * @throws {ConfigError} If one of them cannot be used.
 */
export function readSettings(options: RedisStoreOptions): ConnectionSettings {
  checkRedisOptions(options);
  if (options.token !== undefined && options.token !== "") {
    throw new ConfigError({
      path: "token",
      expected: "none with redis:// and rediss://: it is for the https:// address of a REST endpoint",
      received: "one (not shown)",
    });
  }
  const {
    poolMaxSize = POOL_MAX_SIZE,
    socketTimeoutMs = SOCKET_TIMEOUT_MS,
    socketConnectTimeoutMs = SOCKET_TIMEOUT_MS,
  } = options;
  const { endpoint, topology } = readTopology(options);
  const usual = topology.kind === "cluster" ? 1 : POOL_MIN_SIZE;
  const { poolMinSize = Math.min(usual, poolMaxSize) } = options;
  if (poolMinSize > poolMaxSize) {
    throw new ConfigError({
      path: "poolMinSize",
      expected: `at most poolMaxSize, which is ${poolMaxSize}`,
      received: String(poolMinSize),
    });
  }
  if (topology.kind === "cluster") checkNoTag(options.keyPrefix);
  return Object.freeze({
    endpoint,
    topology,
    tls: readTls(withVerify(options, endpoint), endpoint.tls, { encrypted: "rediss://", plain: "redis://" }),
    poolMinSize,
    poolMaxSize,
    socketTimeoutMs,
    socketConnectTimeoutMs,
  });
}

/** What the URL says of certificates, as the option that does it. */
function withVerify(options: RedisStoreOptions, { verify }: Endpoint): RedisStoreOptions {
  const { tlsInsecure } = options;
  if (verify === undefined) return options;
  if (tlsInsecure !== undefined && tlsInsecure === verify) {
    const expected = `${!verify}, as ssl_cert_reqs of the url says, or none`;
    throw new ConfigError({ path: "tlsInsecure", expected, received: show(tlsInsecure) });
  }
  return { ...options, tlsInsecure: !verify };
}

/** A hash tag in front of ours would part the keys that must lie together. */
export function checkNoTag(keyPrefix: unknown): void {
  if (!/[{}]/.test(String(keyPrefix ?? ""))) return;
  throw new ConfigError({ path: "keyPrefix", expected: "no braces in a cluster", received: show(keyPrefix) });
}
