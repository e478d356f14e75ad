/**
 * The connection through a client that somebody else has made, whatever kind it is of.
 *
 * @module
 */

import type { StoreError } from "../../../base/errors.ts";
import type { RedisClientStoreOptions } from "../options.ts";
import type { RedisConnection } from "./connection.ts";
import type { GivenClient } from "./given.ts";
import { givenBun } from "./given_bun.ts";
import { givenIoredis } from "./given_ioredis.ts";
import { givenNodeRedis, givenNodeRedisPool } from "./given_node_redis.ts";
import { givenUpstash } from "./given_upstash.ts";
import { connectionOver, type NodeRedisHooks } from "./node_redis.ts";
import { readGiven } from "./place.ts";
import { Pool } from "./pool.ts";
import type { KnownClient } from "./recognise.ts";
import { Subscriber } from "./subscriber.ts";

export type { RedisClient } from "./recognise.ts";

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
  const given = adapt(known);
  const onError = (error: StoreError) => hooks.onError?.(error);
  return connectionOver(new Pool(settings, onError, given.attach), new Subscriber(settings, onError, given.duplicate));
}

function adapt(known: Exclude<KnownClient, { kind: "@upstash/redis client" }>): GivenClient {
  switch (known.kind) {
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
