/**
 * Clusters and Sentinels of node-redis that are not ours.
 *
 * @module
 */

import type { openClient } from "../single/client.ts";
import type { ClusterDriver } from "../cluster/discovery.ts";
import { abandonable, type AdaptedClient, type ClientAdapter, openAdapted, whenReady } from "./adapter.ts";
import type {
  NodeRedisClusterLike,
  NodeRedisClusterNode,
  NodeRedisLike,
  NodeRedisSentinelLike,
} from "./redis_client.ts";
import { AS_IT_IS, DUPLICATE, duplicateAdapter, givenNodeRedis, NOT_OPEN } from "./node_redis.ts";
import type { Endpoint } from "../settings/url.ts";

/** What is used of a client of a node beside what every client has. */
interface NodeClient extends NodeRedisLike {
  readonly options?: { readonly socket?: object };
}

/**
 * The nodes of a cluster that is not ours. Calls go through its own clients of its nodes; where it does not know a node
 * yet, through one of ours with the same options.
 */
export function nodeRedisCluster(cluster: NodeRedisClusterLike): ClusterDriver {
  const known = async (address: string): Promise<NodeClient | undefined> => {
    const node = cluster.masters.find((master) => master.address === address);
    return node === undefined ? undefined : await cluster.nodeClient(node) as NodeClient;
  };
  const anyClient = async (): Promise<NodeClient> => {
    const [node] = cluster.masters;
    if (!cluster.isOpen || node === undefined) throw new Error(NOT_OPEN);
    return await cluster.nodeClient(node) as NodeClient;
  };
  const openOwn: (client: NodeClient) => typeof openClient = (client) => (endpoint, options) => {
    const { host, port } = endpoint;
    const own = client.duplicate({ ...DUPLICATE, socket: { ...client.options?.socket, host, port } });
    return openAdapted(endpoint, duplicateAdapter(own, options), options);
  };
  return {
    seeds: async (timeoutMs) => {
      await whenReady(cluster, "the given node-redis cluster", timeoutMs, {
        isReady: () => cluster.isOpen && cluster.masters.length > 0,
        whyNever: () => cluster.isOpen ? undefined : NOT_OPEN,
      });
      return cluster.masters.map(toEndpoint);
    },
    opener: (address) => async (endpoint, options) => {
      const client = await known(address);
      return client === undefined
        ? await openOwn(await anyClient())(endpoint, options)
        : await givenNodeRedis(client).attach(endpoint, options);
    },
    listener: (address) => async (endpoint, options) => {
      const client = await known(address);
      return client === undefined
        ? await openOwn(await anyClient())(endpoint, options)
        : await givenNodeRedis(client).duplicate(endpoint, options);
    },
  };
}

/** A client of Sentinels that is not ours. */
export function givenNodeRedisSentinel(sentinel: NodeRedisSentinelLike): AdaptedClient {
  return {
    label: "the given node-redis client of Sentinels",
    attach: (endpoint, options) => openAdapted(endpoint, sentinelAdapter(sentinel), options),
    duplicate: (endpoint, options) => {
      const own = sentinel.duplicate();
      own.on("error", () => {}); // heard as the loss of the connection
      const adapter: ClientAdapter = {
        ...sentinelAdapter(own),
        whyNever: () => undefined,
        start: () => own.connect(),
        subscribe: (channel, listener) => own.subscribe(channel, listener),
        destroy: () => void Promise.resolve(own.destroy()).catch(() => {}),
      };
      return openAdapted(endpoint, adapter, options);
    },
  };
}

function sentinelAdapter(sentinel: NodeRedisSentinelLike): ClientAdapter {
  return {
    events: sentinel,
    lossEvents: ["reconnecting", "end"],
    isReady: () => sentinel.isReady,
    whyNever: () => sentinel.isOpen ? undefined : NOT_OPEN,
    send: (args) => abandonable((abortSignal) => sendOnce(sentinel, args, { ...AS_IT_IS, abortSignal })),
  };
}

/** A failure that it does not take for one to try again. */
class NotAgain {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/** Its `sendCommand` sends again what was in flight when the connection was lost, which would take units twice. */
async function sendOnce(sentinel: NodeRedisSentinelLike, args: readonly string[], options: object): Promise<unknown> {
  try {
    return await sentinel._execute(false, async (client) => {
      try {
        return await client.sendCommand(args, options);
      } catch (error) {
        // A replica has not run it: then it looks for the primary.
        if (error instanceof Error && error.message.startsWith("READONLY")) throw error;
        throw new NotAgain(error);
      }
    });
  } catch (error) {
    throw error instanceof NotAgain ? error.cause : error;
  }
}

function toEndpoint({ host, port, address }: NodeRedisClusterNode): Endpoint {
  return { host, port, tls: false, db: 0, label: address };
}
