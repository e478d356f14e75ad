/**
 * The options of a Redis store, checked; those of its connection with their defaults.
 *
 * @module
 */

import { ConfigError } from "../../../../base/errors.ts";
import { show } from "../../../../base/text.ts";
import { rejectUnknownOptions } from "../../../../base/unknown_options.ts";
import type { RedisStoreOptions } from "../../options.ts";
import { readTopology, type Topology } from "./topology.ts";
import { readTls, type TlsSettings } from "./tls.ts";
import type { Endpoint } from "./url.ts";

/** What opens and keeps connections. Every value has been checked. */
export interface ConnectionSettings {
  /** Where the server is. */
  readonly endpoint: Endpoint;
  /** Whether it is the only one, and who knows the others. */
  readonly topology: Topology;
  /** How the connection is encrypted, where the endpoint says that it is. */
  readonly tls: TlsSettings;
  /** Connections opened at first use. */
  readonly poolMinSize: number;
  /** The most connections for commands. */
  readonly poolMaxSize: number;
  /** How long one command may take, in milliseconds. */
  readonly socketTimeoutMs: number;
  /** How long opening one connection may take, in milliseconds, with the handshake. */
  readonly socketConnectTimeoutMs: number;
}

/** Every option of a Redis store; the compiler sees to it that none is missing. */
const KNOWN = {
  engine: true,
  url: true,
  db: true,
  password: true,
  username: true,
  token: true,
  sentinels: true,
  masterName: true,
  sentinelUsername: true,
  sentinelPassword: true,
  cluster: true,
  clusterNodeAddresses: true,
  tlsCa: true,
  tlsCert: true,
  tlsKey: true,
  tlsKeyPassphrase: true,
  tlsServerName: true,
  tlsInsecure: true,
  keyPrefix: true,
  poolMinSize: true,
  poolMaxSize: true,
  socketTimeoutMs: true,
  socketConnectTimeoutMs: true,
  timingMarginMs: true,
  maxQueued: true,
} as const satisfies Record<keyof RedisStoreOptions | "engine", true>;

/** The names of all options. */
export const REDIS_OPTIONS: readonly string[] = Object.keys(KNOWN);

const POOL_MIN_SIZE = 2;
const POOL_MAX_SIZE = 10;
/** How long a command, or opening a connection, may take where nothing else is said. */
export const SOCKET_TIMEOUT_MS = 5_000;
/** The longest delay that timers of every runtime take, in milliseconds. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Checks the options, and fills in the defaults of those that concern the connection.
 *
 * @param options The store's options.
 * @throws {ConfigError} If one of them cannot be used.
 */
export function readSettings(options: RedisStoreOptions): ConnectionSettings {
  checkUse(options);
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
  const max = readCount("poolMaxSize", poolMaxSize);
  const { endpoint, topology } = readTopology(options);
  const usual = topology.kind === "cluster" ? 1 : POOL_MIN_SIZE;
  const { poolMinSize = Math.min(usual, max) } = options;
  const min = readCount("poolMinSize", poolMinSize);
  if (min > max) {
    throw new ConfigError({
      path: "poolMinSize",
      expected: `at most poolMaxSize, which is ${max}`,
      received: String(min),
    });
  }
  if (topology.kind === "cluster") checkNoTag(options.keyPrefix);
  return Object.freeze({
    endpoint,
    topology,
    tls: readTls(withVerify(options, endpoint), endpoint.tls),
    poolMinSize: min,
    poolMaxSize: max,
    socketTimeoutMs: readTimeout("socketTimeoutMs", socketTimeoutMs),
    socketConnectTimeoutMs: readTimeout("socketConnectTimeoutMs", socketConnectTimeoutMs),
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

/**
 * Checks what does not depend on how the server is reached.
 *
 * @param options The store's options.
 * @throws {ConfigError} If an option is unknown, or one of those cannot be used.
 */
export function checkUse(options: RedisStoreOptions): void {
  rejectUnknownOptions(options, REDIS_OPTIONS);
  checkKeyPrefix(options.keyPrefix);
  checkMargin(options.timingMarginMs);
  if (options.maxQueued !== undefined) readCount("maxQueued", options.maxQueued);
}

function checkKeyPrefix(value: unknown): void {
  if (value === undefined || (typeof value === "string" && value !== "")) return;
  throw new ConfigError({ path: "keyPrefix", expected: "a string that is not empty", received: show(value) });
}

/** A hash tag in front of ours would part the keys that must lie together. */
export function checkNoTag(keyPrefix: unknown): void {
  if (!/[{}]/.test(String(keyPrefix ?? ""))) return;
  throw new ConfigError({ path: "keyPrefix", expected: "no braces in a cluster", received: show(keyPrefix) });
}

function checkMargin(value: unknown): void {
  if (value === undefined || (typeof value === "number" && value >= 0 && value <= MAX_TIMEOUT_MS)) return;
  throw new ConfigError({
    path: "timingMarginMs",
    expected: `milliseconds, from 0 to ${MAX_TIMEOUT_MS}`,
    received: show(value),
  });
}

function readCount(path: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new ConfigError({ path, expected: "a whole number, 1 or more", received: show(value) });
}

/** Checks a time limit. */
export function readTimeout(path: string, value: number): number {
  if (typeof value === "number" && value > 0 && value <= MAX_TIMEOUT_MS) return value;
  throw new ConfigError({
    path,
    expected: `milliseconds, above 0 and at most ${MAX_TIMEOUT_MS}`,
    received: show(value),
  });
}
