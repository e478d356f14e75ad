/**
 * The connection through a client that somebody else has made, whatever kind it is of.
 *
 * @module
 */

import { ConfigError, type StoreError } from "../../../base/errors.ts";
import { show } from "../../../base/text.ts";
import { rejectUnknownOptions } from "../../../base/unknown_options.ts";
import type { RedisClientStoreOptions } from "../options.ts";
import type { RedisConnection } from "./connection.ts";
import type { GivenClient } from "./given.ts";
import { givenIoredis, type IoredisLike } from "./given_ioredis.ts";
import { givenNodeRedis, givenNodeRedisPool, type NodeRedisLike, type NodeRedisPoolLike } from "./given_node_redis.ts";
import { connectionOver, type NodeRedisHooks } from "./node_redis.ts";
import { Pool } from "./pool.ts";
import { type ConnectionSettings, readSettings } from "./settings.ts";
import { Subscriber } from "./subscriber.ts";

/** A Redis client of a kind that a store can use. */
export type RedisClient = NodeRedisLike | NodeRedisPoolLike | IoredisLike;

/** Every option beside the client; the compiler sees to it that none is missing. */
const KNOWN = {
  client: true,
  keyPrefix: true,
  socketTimeoutMs: true,
  socketConnectTimeoutMs: true,
  timingMarginMs: true,
  maxQueued: true,
} as const satisfies Record<keyof RedisClientStoreOptions, true>;

const KINDS = "a node-redis client (createClient()) or pool (createClientPool()), or an ioredis client (new Redis())";

/**
 * Makes a connection through a client that is not ours, which stays open when this is closed. Nothing is sent before
 * `connect()` or the first command.
 *
 * @param options The client, and how to use it.
 * @param hooks What to tell the owner.
 * @throws {ConfigError} If the client is of no known kind, or an option cannot be used.
 */
export function openGivenClient(options: RedisClientStoreOptions, hooks: NodeRedisHooks = {}): RedisConnection {
  rejectUnknownOptions(options, Object.keys(KNOWN));
  const given = recognise(options.client);
  const settings = settingsOf(options, given);
  const onError = (error: StoreError) => hooks.onError?.(error);
  return connectionOver(new Pool(settings, onError, given.attach), new Subscriber(settings, onError, given.duplicate));
}

function settingsOf({ client: _, ...options }: RedisClientStoreOptions, { label }: GivenClient): ConnectionSettings {
  const settings = readSettings({ ...options, url: "redis://given", poolMinSize: 1 });
  return { ...settings, endpoint: { ...settings.endpoint, label } };
}

function recognise(client: unknown): GivenClient {
  if (isNodeRedisPool(client)) return givenNodeRedisPool(client);
  if (isNodeRedis(client)) return givenNodeRedis(client);
  if (isIoredis(client)) return givenIoredis(client);
  throw new ConfigError({ path: "client", expected: KINDS, received: describe(client) });
}

/** Clusters and Sentinels of node-redis have most of a client's methods, and others that tell them apart. */
function isNodeRedis(client: unknown): client is NodeRedisLike {
  return has(client, { isOpen: "boolean", isReady: "boolean", sendCommand: "function", duplicate: "function" }) &&
    !("acquire" in client || "slots" in client);
}

function isNodeRedisPool(client: unknown): client is NodeRedisPoolLike {
  return has(client, { isOpen: "boolean", totalClients: "number", sendCommand: "function", execute: "function" });
}

function isIoredis(client: unknown): client is IoredisLike {
  return has(client, { status: "string", options: "object", call: "function", duplicate: "function" }) &&
    (client as { isCluster?: unknown }).isCluster !== true;
}

function has(client: unknown, members: Readonly<Record<string, string>>): client is object {
  return typeof client === "object" && client !== null &&
    Object.entries(members).every(([name, type]) => typeof (client as Record<string, unknown>)[name] === type);
}

function describe(client: unknown): string {
  const isCluster = has(client, {}) && ("slots" in client || (client as { isCluster?: unknown }).isCluster === true);
  if (isCluster) return "a client of a cluster";
  return has(client, { acquire: "function", isReady: "boolean" }) ? "a client of Sentinels" : show(client);
}
