/**
 * The ways to a cluster: through connections of our own, and through clients of packages.
 *
 * @module
 */

import { Cluster } from "ioredis";
import { createCluster } from "redis";

import { openGivenClient } from "../../../../src/stores/redis/connections/clients/open.ts";
import type { RedisConnection } from "../../../../src/stores/redis/connections/connection.ts";
import { openNodeRedis } from "../../../../src/stores/redis/connections/node_redis.ts";
import type { TestCluster } from "../_topologies.ts";

/** A connection to a cluster, and what it goes through. */
export interface Opened {
  /** The connection. */
  readonly connection: RedisConnection;
  /** Closes what it goes through. */
  close(): unknown;
}

/** Opens each kind of connection. */
export const OPENERS: Readonly<Record<string, (cluster: TestCluster) => Promise<Opened>>> = {
  "through connections of its own": (cluster) =>
    Promise.resolve({ connection: openNodeRedis({ cluster: cluster.urls.slice(0, 2) }), close: () => {} }),
  "through a cluster of node-redis": async (cluster) => {
    const client = createCluster({ rootNodes: cluster.urls.map((url) => ({ url })) });
    client.on("error", () => {});
    await client.connect();
    return { connection: openGivenClient({ client }), close: () => client.destroy() };
  },
  "through a cluster of ioredis": (cluster) => {
    const client = new Cluster(cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })));
    client.on("error", () => {});
    return Promise.resolve({ connection: openGivenClient({ client }), close: () => client.disconnect() });
  },
};
