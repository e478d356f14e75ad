/**
 * REST by URL and token: one `POST` with the command as a JSON array, as Upstash's protocol has it.
 *
 * @module
 */

import type { RedisStoreOptions } from "../../options.ts";
import type { RedisConnection } from "../connection.ts";
import { connectionOverRest } from "./rest.ts";
import {
  brokenError,
  invalidAnswerError,
  notRestError,
  plain,
  RestRefusal,
  tokenError,
  tooManyError,
} from "./errors.ts";
import { readRest, type RestSettings } from "./settings.ts";

/**
 * Caches of frameworks must not answer. Some runtimes refuse the setting, and have no such caches. A function, because Node
 * loads all of its `fetch` for the first look at `Request`, which stores of another kind need not wait for.
 */
const noCache = (): RequestInit => "cache" in Request.prototype ? { cache: "no-store" } : {};

/**
 * Makes a connection. Nothing is sent before `connect()` or the first command.
 *
 * @param options Where Redis is, and how to use it.
 * @throws {ConfigError} If an option cannot be used.
 */
export function openRest(options: RedisStoreOptions): RedisConnection {
  const settings = readRest(options);
  const { endpoint, timeoutMs } = settings;
  return connectionOverRest({
    endpoint,
    timeoutMs,
    connectTimeoutMs: timeoutMs,
    send: (command, signal, isProven) => post(settings, command, signal, isProven),
  });
}

/** Deno sends a body that it can send again again, where the connection breaks; one that flows it sends once. */
const bodyOf: (text: string) => RequestInit = "Deno" in globalThis
  ? (text) => ({ body: new Blob([text]).stream(), duplex: "half" } as RequestInit)
  : (body) => ({ body });

/** Sends one command, once: see `RestSender.send`. */
export async function post(
  settings: RestSettings,
  command: readonly string[],
  signal: AbortSignal,
  isProven: boolean,
): Promise<unknown> {
  const response = await fetch(settings.url, {
    method: "POST",
    headers: { "authorization": `Bearer ${settings.token}`, "content-type": "application/json" },
    ...bodyOf(JSON.stringify(command)),
    redirect: "manual",
    signal,
    ...noCache(),
  });
  return read(settings, response, await response.text(), isProven);
}

function read({ endpoint }: RestSettings, { status, headers }: Response, text: string, isProven: boolean): unknown {
  const body = parse(text);
  const refusal = typeof body?.["error"] === "string" ? plain(endpoint, body["error"]) : undefined;
  const answer = refusal === undefined ? `HTTP ${status}` : `HTTP ${status}: ${refusal}`;
  if (status === 401 || status === 403) throw tokenError(endpoint, answer);
  if (status === 429) throw tooManyError(endpoint, answer, retryAfterMs(headers));
  if (status >= 500) throw brokenError(endpoint, answer);
  if (refusal !== undefined) throw new RestRefusal(refusal);
  if (status === 200 && body?.["result"] !== undefined) return body["result"];
  const type = headers.get("content-type")?.split(";")[0];
  const typed = type === undefined ? answer : `${answer}, ${type}`;
  throw status === 200 ? invalidAnswerError(endpoint, typed, isProven) : notRestError(endpoint, typed);
}

/** How long the service wants to be left alone: a number of seconds, or an instant, counted from its own clock. */
function retryAfterMs(headers: Headers): number | undefined {
  const text = headers.get("retry-after")?.trim() ?? "";
  if (/^\d{1,9}(?:\.\d+)?$/.test(text)) return Number(text) * 1_000;
  const ms = Date.parse(text) - Date.parse(headers.get("date") ?? "");
  return ms >= 0 ? ms : undefined;
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? body as Record<string, unknown> : undefined;
  } catch {
    return undefined;
  }
}
