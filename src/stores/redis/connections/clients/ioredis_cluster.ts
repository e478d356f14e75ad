/**
 * Clusters of ioredis that are not ours.
 *
 * @module
 */

import type { ClusterDriver } from "../cluster/discovery.ts";
import { splitAddress } from "../cluster/layout.ts";
import { whenReady } from "./adapter.ts";
import type { IoredisClusterLike, IoredisLike } from "./redis_client.ts";
import { checkIoredis, givenIoredis } from "./ioredis.ts";

type NatMap = Readonly<Record<string, unknown>> | ((address: string) => unknown);

/**
 * The nodes of a cluster that is not ours. Calls go through its own clients of its nodes, and past its own repetition of
 * what was cut off; where it does not know a node yet, through one of ours with the same options.
 *
 * @throws {ConfigError} If it would change keys or replies.
 */
export function ioredisCluster(cluster: IoredisClusterLike): ClusterDriver {
  const { natMap, redisOptions = {} } = cluster.options as { natMap?: NatMap; redisOptions?: object };
  checkIoredis(cluster.options);
  checkIoredis(redisOptions);
  const masters = () => cluster.nodes("master") as IoredisLike[];
  const mapped = (address: string): string => {
    const to = typeof natMap === "function" ? natMap(address) : natMap?.[address];
    return typeof to === "object" && to !== null ? placeOf(to) : address;
  };
  const clientOf = (address: string): { client: IoredisLike; isOwn: boolean } => {
    const place = mapped(address);
    const known = masters().find((client) => placeOf(client.options) === place);
    if (known !== undefined) return { client: known, isOwn: false };
    const [template] = masters();
    if (template === undefined) throw new Error("the cluster has no node");
    const [host, port] = splitAddress(place);
    return { client: template.duplicate({ ...DETACHED, host, port }), isOwn: true };
  };
  return {
    seeds: async (timeoutMs) => {
      if (cluster.status === "wait") cluster.connect().catch(() => {}); // heard below
      await whenReady(cluster, "the given ioredis cluster", timeoutMs, {
        isReady: () => cluster.status === "ready",
        whyNever: () => cluster.status === "end" ? "the client is closed" : undefined,
      });
      return masters().map(({ options }) => {
        const { host, port } = options as { host: string; port: number };
        return { host, port, tls: false, db: 0, label: placeOf(options) };
      });
    },
    opener: (address) => async (endpoint, options) => {
      const { client, isOwn } = clientOf(address);
      const given = givenIoredis(client);
      return await (isOwn ? given.duplicate : given.attach)(endpoint, options);
    },
    listener: (address) => async (endpoint, options) => {
      return await givenIoredis(clientOf(address).client).duplicate(endpoint, options);
    },
  };
}

/** Only the options of it are used: it never connects. */
const DETACHED = { lazyConnect: true, readOnly: false };

function placeOf(options: object): string {
  const { host, port } = options as { host?: unknown; port?: unknown };
  return `${host}:${port}`;
}
