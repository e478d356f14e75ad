/**
 * Clients of Bun that are not ours.
 *
 * @module
 */

import { type AdaptedClient, type ClientAdapter, openAdapted, type SentCommand } from "./adapter.ts";
import type { BunRedisLike, Emitter } from "./redis_client.ts";

/** How Bun marks what the server has answered; its message is the server's. */
const REPLY_CODES = new Set(["ERR_REDIS_SERVER_ERROR", "ERR_REDIS_AUTHENTICATION_FAILED"]);

/** A client that is not ours. Its callbacks are its owner's: that it is lost shows when it is used next. */
export function givenBun(client: BunRedisLike): AdaptedClient {
  return {
    label: "the given Bun.RedisClient",
    attach: (endpoint, options) => openAdapted(endpoint, adapterOf(client), options),
    duplicate: async (endpoint, options) => {
      const own = await client.duplicate();
      const adapter = adapterOf(own);
      const { emit } = adapter;
      let isUp = own.connected;
      own.onclose = () => emit("end");
      // It connects again by itself, and leaves its subscriptions behind.
      own.onconnect = () => {
        if (isUp) emit("end");
        isUp = true;
      };
      return openAdapted(endpoint, {
        ...adapter,
        lossEvents: ["end"],
        subscribe: (channel, listener) => own.subscribe(channel, (message) => listener(message)),
        destroy: () => own.close(),
      }, options);
    },
  };
}

function adapterOf(client: BunRedisLike): ClientAdapter & { emit(event: string): void } {
  const { events, emit } = newEvents();
  return {
    events,
    emit,
    lossEvents: [],
    isReady: () => client.connected,
    whyNever: () => undefined,
    start: async () => {
      if (!client.connected) await client.connect();
      emit("ready");
    },
    send: ([command = "", ...args]) => sendOnce(client, command, args),
  };
}

/** Commands are sent only while it is connected, so that none waits in its queue; lost ones it does not repeat. */
function sendOnce(client: BunRedisLike, command: string, args: string[]): SentCommand {
  const reply = client.send(command, args).catch((cause) => {
    throw REPLY_CODES.has(String((cause as { code?: unknown }).code)) ? replyError(cause) : cause;
  });
  return { reply, abandon: () => {} };
}

function replyError(cause: unknown): Error {
  const error = new Error(cause instanceof Error ? cause.message : String(cause), { cause });
  error.name = "ReplyError";
  return error;
}

function newEvents(): { events: Emitter; emit(event: string): void } {
  const listeners = new Map<string, Set<(...args: unknown[]) => void>>();
  return {
    events: {
      on: (event, listener) => void listeners.set(event, (listeners.get(event) ?? new Set()).add(listener)),
      off: (event, listener) => void listeners.get(event)?.delete(listener),
    },
    emit: (event) => {
      for (const listener of [...listeners.get(event) ?? []]) listener();
    },
  };
}
