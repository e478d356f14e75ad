/**
 * Clients as applications make them.
 *
 * @module
 */

import { Redis } from "ioredis";
import { createClient, createClientPool } from "redis";

import type { RedisClient } from "../../../../src/stores/redis/connections/clients/redis_client.ts";
import type { BunRedisLike } from "../../../../src/stores/redis/mod.ts";

/** A client as an application would make it. */
export interface Opened {
  /** The client itself. */
  readonly client: RedisClient;
  /** Whether it still answers. */
  ping(): Promise<unknown>;
  /** Closes it. */
  close(): void;
}

/** Opens a client. */
export type Open = (url: string) => Promise<Opened>;

const BunRedis = (globalThis as { Bun?: { RedisClient: new (url: string) => BunRedisLike } }).Bun?.RedisClient;

/** The kinds of clients, by name. */
export const openers: Readonly<Record<string, Open>> = {
  "a node-redis client": async (url) => {
    const client = createClient({ url, socket: { reconnectStrategy: 50 } });
    client.on("error", () => {});
    await client.connect();
    return { client, ping: () => client.ping(), close: () => client.destroy() };
  },
  "a node-redis pool": async (url) => {
    const pool = createClientPool({ url, socket: { reconnectStrategy: 50 } }, { minimum: 2, maximum: 4 });
    pool.on("error", () => {});
    await pool.connect();
    return { client: pool, ping: () => pool.ping(), close: () => pool.destroy() };
  },
  "an ioredis client": (url) => openIoredis(url, {}),
  "an ioredis client that pipelines": (url) => openIoredis(url, { enableAutoPipelining: true }),
  // Only Bun has it.
  ...(BunRedis === undefined ? {} : { "Bun's client": openBun }),
};

async function openBun(url: string): Promise<Opened> {
  const client = new (BunRedis as NonNullable<typeof BunRedis>)(url);
  await client.connect();
  return { client, ping: () => client.send("PING", []), close: () => client.close() };
}

function openIoredis(url: string, options: { enableAutoPipelining?: boolean }): Promise<Opened> {
  const client = new Redis(url, { retryStrategy: () => 50, ...options });
  client.on("error", () => {});
  return Promise.resolve({ client, ping: () => client.ping(), close: () => client.disconnect() });
}
