/**
 * Which kind of Redis client an object is. Looks only: the code that uses a client is loaded when it is used.
 *
 * @module
 */

import { ConfigError } from "../../../../base/errors.ts";
import { show } from "../../../../base/text.ts";
import type {
  BunRedisLike,
  IoredisClusterLike,
  IoredisLike,
  NodeRedisClusterLike,
  NodeRedisLike,
  NodeRedisPoolLike,
  NodeRedisSentinelLike,
  UpstashLike,
} from "./redis_client.ts";

/** A client, by its kind. */
export type KnownClient =
  | { readonly kind: "node-redis pool"; readonly client: NodeRedisPoolLike }
  | { readonly kind: "node-redis client"; readonly client: NodeRedisLike }
  | { readonly kind: "node-redis cluster"; readonly client: NodeRedisClusterLike }
  | { readonly kind: "node-redis client of Sentinels"; readonly client: NodeRedisSentinelLike }
  | { readonly kind: "ioredis cluster"; readonly client: IoredisClusterLike }
  | { readonly kind: "ioredis client"; readonly client: IoredisLike }
  | { readonly kind: "Bun.RedisClient"; readonly client: BunRedisLike }
  | { readonly kind: "@upstash/redis client"; readonly client: UpstashLike };

const KINDS = "a client (createClient()), pool, cluster or Sentinel client of node-redis, a client or cluster of " +
  "ioredis, Bun's client (new Bun.RedisClient()), or a client of @upstash/redis or @vercel/kv";

/**
 * Tells the kind of a client.
 *
 * @param client What was given.
 * @throws {ConfigError} If it is of no known kind; the message lists those.
 */
export function recognise(client: unknown): KnownClient {
  try {
    if (isNodeRedisPool(client)) return { kind: "node-redis pool", client };
    if (isNodeRedis(client)) return { kind: "node-redis client", client };
    if (isNodeRedisCluster(client)) return { kind: "node-redis cluster", client };
    if (isNodeRedisSentinel(client)) return { kind: "node-redis client of Sentinels", client };
    if (isIoredisCluster(client)) return { kind: "ioredis cluster", client };
    if (isIoredis(client)) return { kind: "ioredis client", client };
    if (isBun(client)) return { kind: "Bun.RedisClient", client };
    if (isUpstash(client)) return { kind: "@upstash/redis client", client };
  } catch (cause) {
    // `kv` of @vercel/kv makes its client when it is looked at, from variables that may be missing.
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError({ path: "client", expected: KINDS, received: `one that cannot be used: ${reason}` }, {
      cause,
    });
  }
  throw new ConfigError({ path: "client", expected: KINDS, received: show(client) });
}

/** What a given client is called in messages and listings. */
export function labelOf({ kind }: KnownClient): string {
  return `the given ${kind}`;
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

function isBun(client: unknown): client is BunRedisLike {
  return has(client, { connected: "boolean", send: "function", connect: "function", duplicate: "function" });
}

function isUpstash(client: unknown): client is UpstashLike {
  return has(client, { eval: "function", evalsha: "function", createScript: "function" });
}

function isNodeRedisCluster(client: unknown): client is NodeRedisClusterLike {
  return has(client, { isOpen: "boolean", slots: "object", masters: "object", nodeClient: "function" });
}

function isNodeRedisSentinel(client: unknown): client is NodeRedisSentinelLike {
  return has(client, { isOpen: "boolean", isReady: "boolean", acquire: "function", _execute: "function" });
}

function isIoredisCluster(client: unknown): client is IoredisClusterLike {
  return has(client, { isCluster: "boolean", status: "string", options: "object", nodes: "function" }) &&
    (client as IoredisClusterLike).isCluster;
}

function has(client: unknown, members: Readonly<Record<string, string>>): client is object {
  return typeof client === "object" && client !== null &&
    Object.entries(members).every(([name, type]) => typeof (client as Record<string, unknown>)[name] === type);
}
