/**
 * Clients of `@upstash/redis` that are not ours, and of `@vercel/kv`, which are such clients. They repeat requests whose
 * fate is unknown, and read numbers out of texts. So ours go to their endpoint with their token, but by our own hands;
 * where a client sends in a way of its own (middleware, an agent, a requester), through the part of it that sends.
 *
 * @module
 */

import { ConfigError } from "../../../../base/errors.ts";
import type { RedisConnection } from "../connection.ts";
import { connectionOverRest } from "../rest/rest.ts";
import {
  brokenError,
  invalidAnswerError,
  notRestError,
  plain,
  RestRefusal,
  tokenError,
  tooManyError,
} from "../rest/errors.ts";
import { post } from "../rest/fetch.ts";
import { readRest, type RestSettings } from "../rest/settings.ts";
import type { ConnectionSettings } from "../settings/settings.ts";
import type { Endpoint } from "../settings/url.ts";
import type { UpstashLike } from "./redis_client.ts";

/** What every such client sends its requests with: its own, or one that its owner has given it. */
interface Requester {
  readonly baseUrl?: unknown;
  readonly headers?: { readonly authorization?: unknown };
  readonly options?: { readonly agent?: unknown };
  readonly retry?: { readonly attempts?: unknown };
  request(request: { body: readonly string[]; signal?: AbortSignal }): Promise<{ result?: unknown; error?: unknown }>;
}

const NO_RETRY = { retry: { value: { attempts: 0, backoff: () => 0 } } };

/**
 * The connection through a client that is not ours.
 *
 * @param client The client.
 * @param settings How long things may take.
 * @throws {ConfigError} If it does not tell how it sends, or would send a request twice.
 */
export function givenUpstash(client: UpstashLike, settings: ConnectionSettings): RedisConnection {
  const requester = Reflect.get(client, "client") as Requester | undefined;
  if (typeof requester?.request !== "function") {
    refuse("a version of @upstash/redis that sends with client.request, or a url and a token in its place", "another");
  }
  const { endpoint } = settings;
  const known = endpointOf(requester, settings);
  const sender = known === undefined ? once(requester) : undefined;
  return {
    ...connectionOverRest({
      endpoint,
      timeoutMs: settings.socketTimeoutMs,
      connectTimeoutMs: settings.socketConnectTimeoutMs,
      send: (command, signal, isProven) =>
        sender === undefined
          ? post(known as RestSettings, command, signal, isProven)
          : request(endpoint, sender, command, signal),
    }),
    url: undefined,
  };
}

/** Where the client sends and how it signs, if that is all there is to it. */
function endpointOf(requester: Requester, { endpoint: { label } }: ConnectionSettings): RestSettings | undefined {
  const { baseUrl, headers, options } = requester;
  const [, token] = /^Bearer (\S+)$/.exec(String(headers?.authorization)) ?? [];
  const isPlain = !Object.hasOwn(requester, "request") && options?.agent === undefined;
  if (typeof baseUrl !== "string" || token === undefined || !isPlain) return undefined;
  if (baseUrl === "" || token === "undefined") refuse("a client that was made with a url and a token", "one without");
  const settings = readRest({ url: baseUrl, token });
  return { ...settings, endpoint: { ...settings.endpoint, label } };
}

/** A request that has failed may have run, and a client repeats it; seen from ours, it has no attempts left. */
function once(requester: Requester): Requester {
  const { retry } = requester;
  if (typeof retry !== "object" || retry === null || retry.attempts === 0) return requester;
  if (Object.hasOwn(requester, "request")) {
    refuse(
      "a client with middleware (use) that was made with retry: { retries: 0 }, because what may have run must not be " +
        "sent again",
      "one that repeats requests",
    );
  }
  return Object.create(requester, NO_RETRY);
}

async function request(
  endpoint: Endpoint,
  requester: Requester,
  body: readonly string[],
  signal: AbortSignal,
): Promise<unknown> {
  let answer: { result?: unknown; error?: unknown };
  try {
    answer = await requester.request({ body, signal });
  } catch (cause) {
    throw errorOf(endpoint, cause);
  }
  if (answer.error !== undefined && answer.error !== null) throw new RestRefusal(plain(endpoint, String(answer.error)));
  if (answer.result === undefined) throw invalidAnswerError(endpoint, "an answer without a result", false);
  return answer.result;
}

/** The client's errors end with the whole command. */
function errorOf(endpoint: Endpoint, cause: unknown): unknown {
  const { name, message } = cause instanceof Error ? cause : new Error(String(cause));
  if (name === "UpstashJSONParseError" || name === "SyntaxError") {
    return notRestError(endpoint, plain(endpoint, message));
  }
  if (name !== "UpstashError") return cause;
  const text = plain(endpoint, message.replace(/, command was: .*$/s, ""));
  if (/unauthorized|\bWRONGPASS\b|\btoken\b/i.test(text)) return tokenError(endpoint, text);
  if (/^[A-Z]{2,} /.test(text)) return new RestRefusal(text);
  if (/rate limit|too many requests/i.test(text)) return tooManyError(endpoint, text);
  return brokenError(endpoint, text);
}

function refuse(expected: string, received: string): never {
  throw new ConfigError({ path: "client", expected, received });
}
