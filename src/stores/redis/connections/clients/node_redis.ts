/**
 * Clients and pools of node-redis that are not ours.
 *
 * @module
 */

import type { OpenClientOptions } from "../single/client.ts";
import { abandonable, type AdaptedClient, type ClientAdapter, openAdapted } from "./adapter.ts";
import type { NodeRedisLike, NodeRedisPoolLike } from "./redis_client.ts";

const LOSS_EVENTS = ["error", "reconnecting", "terminated", "end"];
/** Whatever the client does with its own commands, ours come back as they are, in their order, and within our time. */
export const AS_IT_IS = { typeMapping: {}, timeout: 0, asap: false };
/** What a duplicate does not do. */
export const DUPLICATE = { disableOfflineQueue: true, clientSideCache: undefined };
/** Why a client that was not connected never becomes ready. */
export const NOT_OPEN = "the client is not connected: call its connect() first";

/** A client that is not ours. */
export function givenNodeRedis(client: NodeRedisLike): AdaptedClient {
  const adapter: ClientAdapter = {
    events: client,
    // Listening for errors would hide from the client's owner that there is no other listener.
    lossEvents: LOSS_EVENTS.filter((event) => event !== "error"),
    isReady: () => client.isReady,
    whyNever: () => client.isOpen ? undefined : NOT_OPEN,
    send: sendThrough(client),
  };
  return {
    label: "the given node-redis client",
    attach: (endpoint, options) => openAdapted(endpoint, adapter, options),
    duplicate: (endpoint, options) =>
      openAdapted(endpoint, duplicateAdapter(client.duplicate(DUPLICATE), options), options),
  };
}

/** A pool that is not ours. */
export function givenNodeRedisPool(pool: NodeRedisPoolLike): AdaptedClient {
  const whyNever = () => pool.isOpen ? undefined : NOT_OPEN;
  return {
    label: "the given node-redis pool",
    attach: (endpoint, options) => {
      const adapter = { events: pool, lossEvents: [], isReady: () => pool.isOpen, whyNever, send: sendInLane(pool) };
      return openAdapted(endpoint, adapter, options);
    },
    duplicate: async (endpoint, options) => {
      const own = await pool.execute((client) => client.duplicate(DUPLICATE)) as NodeRedisLike;
      return openAdapted(endpoint, duplicateAdapter(own, options), options);
    },
  };
}

function sendThrough(client: NodeRedisLike): ClientAdapter["send"] {
  return (args) => abandonable((abortSignal) => client.sendCommand(args, { ...AS_IT_IS, abortSignal }));
}

/** Calls must arrive in their order, so those in flight at one time share one client of the pool. */
function sendInLane(pool: NodeRedisPoolLike): ClientAdapter["send"] {
  let lane: { readonly client: Promise<NodeRedisLike>; users: number; leave: () => void } | undefined;
  const enter = () => {
    let leave = () => {};
    const client = new Promise<NodeRedisLike>((resolve, reject) => {
      pool.execute((lent) =>
        new Promise<void>((done) => {
          leave = done;
          resolve(lent);
        })
      ).catch(reject);
    });
    return { client, users: 0, leave: () => leave() };
  };
  return (args) => {
    const mine = lane ??= enter();
    mine.users++;
    const sent = abandonable(async (abortSignal) => {
      const client = await mine.client;
      if (!client.isReady) throw new Error("the pool's client is not connected");
      return await client.sendCommand(args, { ...AS_IT_IS, abortSignal });
    });
    const leave = () => {
      if (--mine.users > 0) return;
      if (lane === mine) lane = undefined;
      mine.leave();
    };
    sent.reply.then(leave, leave);
    return sent;
  };
}

/** A duplicate, which is ours. */
export function duplicateAdapter(client: NodeRedisLike, { signal }: OpenClientOptions): ClientAdapter {
  let isDestroyed = false;
  // node-redis cannot destroy a socket that is still connecting: it would go on, and stay.
  client.on("connect", () => {
    if (isDestroyed || signal.aborted) client.destroy();
  });
  client.on("error", () => {}); // heard as the loss of the connection
  return {
    events: client,
    lossEvents: LOSS_EVENTS,
    isReady: () => client.isReady,
    whyNever: () => undefined,
    start: () => client.connect(),
    send: sendThrough(client),
    subscribe: (channel, listener) => client.subscribe(channel, listener),
    destroy: () => {
      isDestroyed = true;
      client.destroy();
    },
    hold: (isHeld) => isHeld ? client.ref?.() : client.unref?.(),
  };
}
