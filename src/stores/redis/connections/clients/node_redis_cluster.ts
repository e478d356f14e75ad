/**
 * Clusters and Sentinels of node-redis that are not ours.
 *
 * @module
 */

import type { openClient } from "../single/client.ts";
import type { ClusterDriver } from "../cluster/discovery.ts";
import { abandonable, type Emitter, type GivenClient, openWire, whenReady, type Wire } from "./given.ts";
import { AS_IT_IS, DUPLICATE, duplicateWire, givenNodeRedis, type NodeRedisLike, NOT_OPEN } from "./node_redis.ts";
import type { Endpoint } from "../settings/url.ts";

/** A node of a cluster, as node-redis knows it. */
export interface NodeRedisClusterNode {
  /** `host:port`, as the cluster names it. */
  readonly address: string;
  /** Host name or address. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
}

/** What a store needs of `createCluster()` of the npm package `redis`. */
export interface NodeRedisClusterLike extends Emitter {
  /** Whether it was connected and not closed. */
  readonly isOpen: boolean;
  /** Which nodes have which slots. */
  readonly slots: readonly unknown[];
  /** The primaries. */
  readonly masters: readonly NodeRedisClusterNode[];
  /** The client of one node. */
  nodeClient(node: NodeRedisClusterNode): unknown;
}

/** What a store needs of `createSentinel()` of the npm package `redis`. */
export interface NodeRedisSentinelLike extends Emitter {
  /** Whether it was connected and not closed. */
  readonly isOpen: boolean;
  /** Whether commands are sent at once. */
  readonly isReady: boolean;
  /** Lends a client of the primary. Not called; it tells Sentinels from clients. */
  acquire(): Promise<unknown>;
  /** Connects. Only called on duplicates. */
  connect(): Promise<unknown>;
  /** Disconnects. Only called on duplicates. */
  destroy(): unknown;
  /** Subscribes. Only called on duplicates. */
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  /** Makes another one with the same options. */
  duplicate(overrides?: object): NodeRedisSentinelLike;
  /** Runs `task` with the client of the primary; again, where it fails with an error and the client is not ready. */
  _execute<T>(isReadonly: boolean, task: (client: NodeRedisLike) => Promise<T>): Promise<T>;
}

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
    return openWire(endpoint, duplicateWire(own, options), options);
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
export function givenNodeRedisSentinel(sentinel: NodeRedisSentinelLike): GivenClient {
  return {
    label: "the given node-redis client of Sentinels",
    attach: (endpoint, options) => openWire(endpoint, sentinelWire(sentinel), options),
    duplicate: (endpoint, options) => {
      const own = sentinel.duplicate();
      own.on("error", () => {}); // heard as the loss of the connection
      const wire: Wire = {
        ...sentinelWire(own),
        whyNever: () => undefined,
        start: () => own.connect(),
        subscribe: (channel, listener) => own.subscribe(channel, listener),
        destroy: () => void Promise.resolve(own.destroy()).catch(() => {}),
      };
      return openWire(endpoint, wire, options);
    },
  };
}

function sentinelWire(sentinel: NodeRedisSentinelLike): Wire {
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
