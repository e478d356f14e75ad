/**
 * Clients of ioredis that are not ours.
 *
 * @module
 */

import { ConfigError } from "../../../../base/errors.ts";
import { nodeModule } from "../../../../base/node_module.ts";
import { type AdaptedClient, type ClientAdapter, openAdapted } from "./adapter.ts";
import type { IoredisLike } from "./redis_client.ts";

type ToBytes = (text: string) => Uint8Array;

/** A duplicate is given up when it is lost, and another one is made. */
const DUPLICATE = {
  lazyConnect: true,
  retryStrategy: null,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  enableAutoPipelining: false,
};

/**
 * A client that is not ours.
 *
 * @throws {ConfigError} If it would change keys or replies.
 */
export function givenIoredis(client: IoredisLike): AdaptedClient {
  checkIoredis(client.options);
  return {
    label: "the given ioredis client",
    attach: async (endpoint, options) => {
      const toBytes = await loadToBytes();
      const adapter: ClientAdapter = {
        events: client,
        lossEvents: ["close", "end"],
        isReady: () => client.status === "ready",
        whyNever: () => client.status === "end" ? "the client is closed" : undefined,
        // A lazy client connects at its first command, and one of ours may be the first.
        start: async () => {
          if (client.status === "wait") await client.connect();
        },
        send: sendOnce(client, toBytes),
      };
      return openAdapted(endpoint, adapter, options);
    },
    duplicate: async (endpoint, options) =>
      openAdapted(endpoint, ownAdapter(client.duplicate(DUPLICATE), await loadToBytes()), options),
  };
}

/**
 * Checks the options of a client, or of a cluster's nodes.
 *
 * @throws {ConfigError} If it would change keys or replies.
 */
export function checkIoredis(options: object): void {
  const { keyPrefix, stringNumbers } = options as { keyPrefix?: unknown; stringNumbers?: unknown };
  if (keyPrefix !== undefined && keyPrefix !== null && keyPrefix !== "") {
    refuse(
      "an ioredis client without keyPrefix, which would change our keys: use the store's keyPrefix",
      "one with it",
    );
  }
  if (stringNumbers === true) refuse("an ioredis client without stringNumbers, which changes replies", "one with it");
}

/**
 * ioredis sends what was not answered again after it has reconnected, which would take units twice. It keeps a reference
 * to binary arguments: blanked, the script or its digest is none that does anything.
 */
function sendOnce(client: IoredisLike, toBytes: ToBytes): ClientAdapter["send"] {
  return ([command = "", ...args]) => {
    const isScript = command === "EVAL" || command === "EVALSHA";
    if (!isScript) return { reply: client.call(command, ...args), abandon: () => {} };
    const [body = "", ...rest] = args;
    const bytes = toBytes(body);
    return { reply: client.call(command, bytes, ...rest), abandon: () => void bytes.fill(0x20) };
  };
}

function ownAdapter(client: IoredisLike, toBytes: ToBytes): ClientAdapter {
  const listeners = new Map<string, (message: string) => void>();
  client.on("message", (channel, message) => listeners.get(String(channel))?.(String(message)));
  client.on("error", () => {}); // heard as the loss of the connection
  return {
    events: client,
    lossEvents: ["close", "end"],
    isReady: () => client.status === "ready",
    whyNever: () => undefined,
    start: () => client.connect(),
    send: sendOnce(client, toBytes),
    subscribe: (channel, listener) => {
      listeners.set(channel, listener);
      return client.subscribe(channel);
    },
    destroy: () => client.disconnect(),
    hold: (isHeld) => isHeld ? client.stream?.ref?.() : client.stream?.unref?.(),
  };
}

/** ioredis takes no other bytes than a Buffer. */
async function loadToBytes(): Promise<ToBytes> {
  const { Buffer } = await nodeModule("node:buffer", () => import("node:buffer"));
  return (text) => Buffer.from(text);
}

function refuse(expected: string, received: string): never {
  throw new ConfigError({ path: "client", expected, received });
}
