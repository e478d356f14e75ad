/**
 * Clients that are not ours: calls go through the given client, which is never closed; for subscriptions a duplicate of
 * it is made, which is ours. Timeouts, retries and the end are those of every other connection.
 *
 * @module
 */

import { withTimeout } from "../../../../base/deadline.ts";
import { RateSyncError, StoreError } from "../../../../base/errors.ts";
import { inMicrotask } from "../../../../base/turn.ts";
import type { CommandClient, OpenClient, OpenClientOptions } from "../single/client.ts";
import { type Failure, lostError, openError } from "../errors.ts";
import type { Endpoint } from "../settings/url.ts";
import type { Emitter } from "./redis_client.ts";

/** Opens a client, or attaches to one that is there. */
export type OpenAdapted = (endpoint: Endpoint, options: OpenClientOptions) => Promise<OpenClient>;

/** A given client, by its kind. */
export interface AdaptedClient {
  /** What it is, for messages. */
  readonly label: string;
  /** Attaches to the client itself. */
  readonly attach: OpenAdapted;
  /** Opens a duplicate of it. */
  readonly duplicate: OpenAdapted;
}

/** A command that was handed to a client. */
export interface SentCommand {
  /** What comes back. */
  readonly reply: Promise<unknown>;
  /** Sees to it that the client does not send it any more, now or again. What was sent may still run. */
  abandon(): void;
}

/** One client, as the rest of this file sees it. */
export interface ClientAdapter {
  /** Tells of the client's connection. */
  readonly events: Emitter;
  /** Events that say that its connection has ended. */
  readonly lossEvents: readonly string[];
  /** Whether a command would be sent at once. */
  isReady(): boolean;
  /** Why it will not become ready by itself; `undefined` if it may. */
  whyNever(): string | undefined;
  /** Makes it connect, where that is ours to do. Its failure is this one's. */
  start?(): Promise<unknown>;
  /** Hands it a command. */
  send(args: readonly string[]): SentCommand;
  /** Subscribes; only for a client of our own. */
  subscribe?(channel: string, listener: (message: string) => void): Promise<unknown>;
  /** Disconnects; only for a client of our own. */
  destroy?(): void;
  /** Whether it keeps the process alive; only for a client of our own. */
  hold?(isHeld: boolean): void;
}

/**
 * Waits until a client is ready and answers, and follows it from then on.
 *
 * @param endpoint What messages call it.
 * @param adapter The client.
 * @param options How long that may take, and whom to tell when it is lost.
 * @throws {StoreError} If it does not become ready, or the server refuses.
 */
export async function openAdapted(
  endpoint: Endpoint,
  adapter: ClientAdapter,
  options: OpenClientOptions,
): Promise<OpenClient> {
  options.signal.throwIfAborted();
  const inFlight = new Set<(cause: Error) => void>();
  const listeners: [event: string, listener: () => void][] = [];
  let isEnded = false;
  let isOpening = true;
  let onLost: (cause: Error) => void = () => {};
  const abort = () => onLost(options.signal.reason);

  const listen = (event: string, listener: () => void) => {
    listeners.push([event, listener]);
    adapter.events.on(event, listener);
  };
  const close = () => {
    if (isEnded) return;
    isEnded = true;
    for (const [event, listener] of listeners) adapter.events.off(event, listener);
    for (const giveUp of inFlight) giveUp(new Error("the client lost its connection"));
    adapter.destroy?.();
  };
  const lose = (reason: string) => {
    if (!isEnded) onLost(new Error(reason));
  };
  const redis: CommandClient = {
    sendCommand<T>(args: readonly string[]): Promise<T> {
      if (isEnded || !adapter.isReady()) {
        inMicrotask(() => lose("the client is not connected"));
        return Promise.reject(new Error("the client is not connected"));
      }
      return new Promise<T>((resolve, reject) => {
        const { reply, abandon } = adapter.send(args);
        const giveUp = (cause: Error) => {
          abandon();
          reject(cause);
        };
        inFlight.add(giveUp);
        reply.then((value) => {
          inFlight.delete(giveUp);
          resolve(value as T);
        }, (cause) => {
          inFlight.delete(giveUp);
          reject(cause);
        });
      });
    },
    subscribe: (channel, listener) =>
      adapter.subscribe?.(channel, listener) ?? Promise.reject(new Error("a given client does not subscribe")),
  };
  const client: OpenClient = {
    redis,
    get isEnded() {
      return isEnded;
    },
    failure,
    close,
    life: { ref: () => adapter.hold?.(true), unref: () => adapter.hold?.(false) },
  };

  const opened = new Promise<void>((resolve, reject) => {
    onLost = reject;
    options.signal.addEventListener("abort", abort, { once: true });
    for (const event of adapter.lossEvents) {
      // The given client may be in the middle of connecting again: only one of ours has failed for good.
      listen(event, () => {
        const never = adapter.whyNever();
        if (isOpening && adapter.destroy === undefined && never === undefined) return;
        lose(never ?? "it was closed");
      });
    }
    let isAsked = false;
    const ask = () => {
      if (isAsked || !adapter.isReady()) return;
      isAsked = true;
      redis.sendCommand(["PING"]).then(() => resolve(), reject);
    };
    listen("ready", ask);
    adapter.start?.().catch(reject);
    const never = adapter.whyNever();
    if (never !== undefined) reject(new Error(never));
    ask();
  });
  try {
    await withTimeout(opened, options.timeoutMs, () => notReady(endpoint, options.timeoutMs));
  } catch (cause) {
    close();
    throw RateSyncError.is(cause) ? cause : openError(endpoint, failure(cause));
  } finally {
    options.signal.removeEventListener("abort", abort);
  }
  isOpening = false;
  onLost = (cause) => {
    close();
    options.onLost(client, cause);
  };
  if (!adapter.isReady()) {
    close();
    throw lostError(endpoint, new Error("at once"));
  }
  return client;
}

/**
 * Waits until a cluster client of the application is ready.
 *
 * @param events Tells of it.
 * @param label What messages call it.
 * @param timeoutMs How long that may take.
 * @param state Whether it is ready, and why it will never be.
 * @throws {StoreError} If it does not become ready.
 */
export async function whenReady(
  events: Emitter,
  label: string,
  timeoutMs: number,
  state: Pick<ClientAdapter, "isReady" | "whyNever">,
): Promise<void> {
  const endpoint = { host: "", port: 0, tls: false, db: 0, label };
  let look = () => {};
  // Not for errors: that would hide from its owner that there is no other listener.
  const names = ["ready", "connect", "end", "close"];
  try {
    const ready = new Promise<void>((resolve, reject) => {
      look = () => {
        const never = state.whyNever();
        if (state.isReady()) resolve();
        else if (never !== undefined) reject(openError(endpoint, { cause: new Error(never), isReply: false }));
      };
      for (const name of names) events.on(name, look);
      look();
    });
    await withTimeout(ready, timeoutMs, () => notReady(endpoint, timeoutMs));
  } finally {
    for (const name of names) events.off(name, look);
  }
}

/** Sends with a signal; abandoned, it aborts, and what node-redis has not written yet is not written any more. */
export function abandonable(send: (signal: AbortSignal) => Promise<unknown>): SentCommand {
  const controller = new AbortController();
  return { reply: send(controller.signal), abandon: () => controller.abort() };
}

function notReady(endpoint: Endpoint, ms: number): StoreError {
  return new StoreError(
    "STORE_UNAVAILABLE",
    `Cannot reach Redis at ${endpoint.label}: the client has no connection that answers, for ${ms} ms`,
    { reason: "disconnected" },
  );
}

/** Answers of the server begin with a word in capitals. Both drivers have classes for them, which are not loaded here. */
function failure(cause: unknown): Failure {
  if (!(cause instanceof Error)) return { cause, isReply: false };
  const isCoded = typeof (cause as { code?: unknown }).code === "string";
  return { cause, isReply: cause.name === "ReplyError" || (!isCoded && /^[A-Z][A-Z0-9_]+ /.test(cause.message)) };
}
