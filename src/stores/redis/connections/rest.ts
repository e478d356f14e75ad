/**
 * The connection over REST: one request a command, through whatever sends requests. Calls follow one another, because
 * requests that are under way together arrive in any order; what is asked meanwhile shares the next one.
 *
 * @module
 */

import { withTimeout } from "../../../base/deadline.ts";
import { ClosedError, RateSyncError, StoreError } from "../../../base/errors.ts";
import type { CommandClient } from "./client.ts";
import type { RedisConnection } from "./connection.ts";
import { callError, callTimeoutError, openError } from "./errors.ts";
import { deleteByPrefix, keyCommands } from "./delete_by_prefix.ts";
import { runScript, type SentScripts } from "./run_script.ts";
import type { Endpoint } from "./url.ts";

/** What sends commands. */
export interface RestSender {
  /** Where to, and the secret that no message may hold. */
  readonly endpoint: Endpoint;
  /** How long a command may take, in milliseconds. */
  readonly timeoutMs: number;
  /** How long the first one of `connect()` may take, in milliseconds. */
  readonly connectTimeoutMs: number;
  /**
   * Sends one command, once. Rejects with a {@linkcode RestRefusal} if Redis said no, and with anything else if nobody
   * knows what became of it.
   */
  send(command: readonly string[], signal: AbortSignal): Promise<unknown>;
}

/** An error that Redis itself has answered. */
export class RestRefusal extends Error {}

/** Errors of runtimes that say that no request was sent. */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  "ConnectionRefused",
  "FailedToOpenSocket",
]);

/**
 * Makes a connection. Nothing is sent before `connect()` or the first command, and nothing is kept open.
 *
 * @param sender Sends commands.
 */
export function connectionOverRest({ endpoint, timeoutMs, connectTimeoutMs, send }: RestSender): RedisConnection {
  const sent: SentScripts = new WeakMap();
  let last: Promise<unknown> = Promise.resolve();
  let isClosed = false;
  let isProven = false;

  const clientWithin = (ms: number): CommandClient => ({
    async sendCommand<T>(command: readonly string[]): Promise<T> {
      const controller = new AbortController();
      try {
        const reply = await withTimeout(send(command, controller.signal), ms, () => callTimeoutError(endpoint, ms));
        isProven = true;
        return reply as T;
      } finally {
        controller.abort();
      }
    },
    subscribe: () => Promise.reject(new Error("REST has no subscriptions")),
  });
  const calls = clientWithin(timeoutMs);

  const inTurn = <T>(use: (redis: CommandClient) => Promise<T>, redis = calls): Promise<T> => {
    if (isClosed) return Promise.reject(new ClosedError("redis connection"));
    const done = last.then(() => use(redis)).catch((cause) => {
      throw RateSyncError.is(cause) ? cause : errorOf(endpoint, cause);
    });
    last = done.catch(() => {});
    return done;
  };

  return {
    url: endpoint.label,
    polls: true,
    maxCalls: 1,
    run: (script, keys, args) =>
      inTurn((redis) => runScript(redis, sent, script, [String(keys.length), ...keys, ...args])),
    subscribe: () => Promise.reject(new StoreError("STORE_REFUSED", `Redis at ${endpoint.label} has no subscriptions`)),
    deleteByPrefix: (prefix) => deleteByPrefix(prefix, keyCommands((send) => inTurn(send))),
    connect: async () => {
      if (isClosed || !isProven) await inTurn((redis) => redis.sendCommand(["PING"]), clientWithin(connectTimeoutMs));
    },
    close: async () => {
      isClosed = true;
      await last;
    },
  };
}

/** What answers is not what was expected. */
export function notRestError({ label }: Endpoint, answer: string): StoreError {
  return new StoreError(
    "STORE_UNAVAILABLE",
    `Cannot reach Redis at ${label}: what answers there (${answer}) is no REST endpoint of Redis; check the url`,
  );
}

/** The token was not taken. */
export function tokenError({ label }: Endpoint, reason: string): StoreError {
  return new StoreError(
    "STORE_REFUSED",
    `Cannot use Redis at ${label}: it does not take the token (${reason}); give the REST token of this database, not ` +
      "the read-only one",
  );
}

/** The service has failed, or what is in front of it. */
export function brokenError(endpoint: Endpoint, reason: string): StoreError {
  return callError(endpoint, { cause: new Error(reason), isReply: false });
}

/** Any text without the token, cut short. */
export function plain({ password }: Endpoint, text: string): string {
  const shown = typeof password === "string" ? text.replaceAll(password, "***") : text;
  return shown.length > 300 ? `${shown.slice(0, 300)}…` : shown;
}

function errorOf(endpoint: Endpoint, cause: unknown): StoreError {
  if (cause instanceof RestRefusal) return callError(endpoint, { cause, isReply: true });
  const root = rootOf(cause);
  const isSent = !NEVER_SENT.has(String((root as { code?: unknown }).code)) && !/\(Connect\)/.test(root.message);
  const failure = { cause: isSent ? root : new Error(plain(endpoint, root.message)), isReply: false };
  return isSent ? callError(endpoint, failure) : openError(endpoint, failure);
}

/** `fetch` says no more than that it has failed; why, its cause knows. */
function rootOf(cause: unknown): Error {
  if (!(cause instanceof Error)) return new Error(String(cause));
  return cause.cause instanceof Error ? rootOf(cause.cause) : cause;
}
