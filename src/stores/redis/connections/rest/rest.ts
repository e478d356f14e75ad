/**
 * The connection over REST: one request a command, through whatever sends requests. Requests that are under way together
 * arrive in any order, and none waits for another: who needs an order sees to it.
 *
 * @module
 */

import { systemClock } from "../../../../base/clock.ts";
import { withTimeout } from "../../../../base/deadline.ts";
import { ClosedError, RateSyncError, StoreError } from "../../../../base/errors.ts";
import type { CommandClient } from "../single/client.ts";
import type { RedisConnection } from "../connection.ts";
import { callTimeoutError } from "../errors.ts";
import { deleteByPrefix, keyCommands } from "../delete_by_prefix.ts";
import { scanKeys } from "../scan.ts";
import { Pause } from "./pause.ts";
import { invalidAnswerError, restError } from "./errors.ts";
import { runScript, type SentScripts } from "../run_script.ts";
import type { Endpoint } from "../settings/url.ts";

/** What sends commands. */
export interface RestSender {
  /** Where to, and the secret that no message may hold. */
  readonly endpoint: Endpoint;
  /** How long a command may take, in milliseconds. */
  readonly timeoutMs: number;
  /** How long the first one of `connect()` may take, in milliseconds. */
  readonly connectTimeoutMs: number;
  /**
   * Sends one command, once. Rejects with a `RestRefusal` if Redis said no, with a `StoreError` if the service did, and
   * with anything else if its outcome is unknown.
   *
   * @param command The command.
   * @param signal Ends the request.
   * @param isProven Whether the endpoint has given right answers before.
   */
  send(command: readonly string[], signal: AbortSignal, isProven: boolean): Promise<unknown>;
}

/** How long `close()` waits for requests that are under way, in milliseconds; then it ends them. */
const CLOSE_MS = 900;

/**
 * Makes a connection. Nothing is sent before `connect()` or the first command, and nothing is kept open.
 *
 * @param sender Sends commands.
 */
export function connectionOverRest({ endpoint, timeoutMs, connectTimeoutMs, send }: RestSender): RedisConnection {
  const sent: SentScripts = new WeakMap();
  const pause = new Pause(systemClock);
  const underWay = new Map<Promise<unknown>, AbortController>();
  let isClosed = false;
  let isProven = false;

  /** A request of its own: one that hangs is ended by its signal, and holds up no other. */
  const request = async (command: readonly string[], ms: number): Promise<unknown> => {
    const refusal = isClosed ? new ClosedError("redis connection") : pause.refusal();
    if (refusal !== undefined) throw refusal;
    const controller = new AbortController();
    const answer = withTimeout(send(command, controller.signal, isProven), ms, () => callTimeoutError(endpoint, ms));
    underWay.set(answer, controller);
    try {
      const reply = await answer;
      isProven = true;
      pause.end();
      return reply;
    } catch (cause) {
      const error = RateSyncError.is(cause) || isNoScript(cause) ? cause : restError(endpoint, cause);
      if (error instanceof StoreError && error.reason === "too_many_requests") throw pause.begin(error);
      throw error;
    } finally {
      underWay.delete(answer);
      controller.abort();
    }
  };
  const clientWithin = (ms: number): CommandClient => ({
    sendCommand: <T>(command: readonly string[]) => request(command, ms) as Promise<T>,
    subscribe: () => Promise.reject(new Error("REST has no subscriptions")),
  });
  const calls = clientWithin(timeoutMs);

  return {
    url: endpoint.label,
    polls: true,
    isUnordered: true,
    run: async (script, keys, args) => {
      const reply = await runScript(calls, sent, script, keys, args);
      // No script answers with nothing: a cache does, or a proxy.
      if (reply === null) throw invalidAnswerError(endpoint, "a result of null", true);
      return reply;
    },
    subscribe: () => Promise.reject(new StoreError("STORE_REFUSED", `Redis at ${endpoint.label} has no subscriptions`)),
    keys: (pattern) => scanKeys((command) => calls.sendCommand(command), pattern),
    deleteByPrefix: (prefix) => deleteByPrefix(prefix, keyCommands((send) => send(calls))),
    connect: async () => {
      if (isClosed || !isProven) await clientWithin(connectTimeoutMs).sendCommand(["PING"]);
    },
    close: async () => {
      isClosed = true;
      const last = Promise.allSettled(underWay.keys());
      await withTimeout(last, CLOSE_MS, () => new Error("time is over")).catch(() => {});
      for (const controller of underWay.values()) controller.abort();
    },
  };
}

/** A refusal that says that the script has to be sent in full. */
function isNoScript(cause: unknown): boolean {
  return cause instanceof Error && cause.message.startsWith("NOSCRIPT");
}
