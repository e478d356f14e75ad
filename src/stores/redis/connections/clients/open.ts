/**
 * The connection through a client of the application, of any kind.
 *
 * @module
 */

import type { StoreError } from "../../../../base/errors.ts";
import type { RedisClientStoreOptions } from "../../options.ts";
import { clusterOver } from "../cluster/cluster.ts";
import type { RedisConnection } from "../connection.ts";
import type { AdaptedClient } from "./adapter.ts";
import { givenBun } from "./bun.ts";
import { givenIoredis } from "./ioredis.ts";
import { ioredisCluster } from "./ioredis_cluster.ts";
import { givenNodeRedis, givenNodeRedisPool } from "./node_redis.ts";
import { givenNodeRedisSentinel, nodeRedisCluster } from "./node_redis_cluster.ts";
import { givenUpstash } from "./upstash.ts";
import { connectionOver, type NodeRedisHooks } from "../node_redis.ts";
import { readGiven } from "../place.ts";
import { Pool } from "../single/pool.ts";
import type { KnownClient } from "./recognise.ts";
import { Subscriber } from "../single/subscriber.ts";

/**
 * Makes a connection through a client that is not ours, which stays open when this is closed. Nothing is sent before
 * `connect()` or the first command.
 *
 * @param options The client, and how to use it.
 * @param hooks What to tell the owner.
 * @throws {ConfigError} If the client is of no known kind, or an option cannot be used.
 */
export function openGivenClient(options: RedisClientStoreOptions, hooks: NodeRedisHooks = {}): RedisConnection {
  const { known, settings } = readGiven(options);
  if (known.kind === "@upstash/redis client") return givenUpstash(known.client, settings);
  const onError = (error: StoreError) => hooks.onError?.(error);
  if (known.kind === "node-redis cluster" || known.kind === "ioredis cluster") {
    const driver = known.kind === "node-redis cluster" ? nodeRedisCluster(known.client) : ioredisCluster(known.client);
    const topology = { kind: "cluster", seeds: [], addresses: {} } as const;
    const { prepare: _, ...connection } = clusterOver(driver, { ...settings, topology }, onError);
    return connection; // it is up to the client's owner when that connects
  }
  const given = adapt(known);
  return connectionOver(new Pool(settings, onError, given.attach), new Subscriber(settings, onError, given.duplicate));
}

type SingleClient = Exclude<
  KnownClient,
  { kind: "@upstash/redis client" | "node-redis cluster" | "ioredis cluster" }
>;

function adapt(known: SingleClient): AdaptedClient {
  switch (known.kind) {
    case "node-redis client of Sentinels":
      return givenNodeRedisSentinel(known.client);
    case "node-redis pool":
      return givenNodeRedisPool(known.client);
    case "node-redis client":
      return givenNodeRedis(known.client);
    case "ioredis client":
      return givenIoredis(known.client);
    case "Bun.RedisClient":
      return givenBun(known.client);
  }
}
