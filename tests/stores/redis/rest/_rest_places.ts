/**
 * Every way to a REST endpoint.
 *
 * @module
 */

import { Redis } from "@upstash/redis";
import { createClient as createKv } from "@vercel/kv";

import { openGivenClient } from "../../../../src/stores/redis/connections/clients/open.ts";
import type { RedisConnection } from "../../../../src/stores/redis/connections/connection.ts";
import { openRest } from "../../../../src/stores/redis/connections/rest/fetch.ts";
import type { UpstashLike } from "../../../../src/stores/redis/mod.ts";
import { TOKEN } from "../../../_support/rest_redis.ts";

/** Options that lead to an endpoint. */
export type Place = { readonly url: string; readonly token: string } | { readonly client: UpstashLike };

/** The ways, by name. */
export const places: Readonly<Record<string, (url: string, token?: string) => Place>> = {
  "a URL and a token": (url, token = TOKEN) => ({ url, token }),
  "@upstash/redis": (url, token = TOKEN) => ({ client: new Redis({ url, token }) }),
  "@vercel/kv": (url, token = TOKEN) => ({ client: createKv({ url, token }) }),
};

/** A client of `@upstash/redis` with everything off that it does beside sending. */
export function plainUpstash(url: string): Place {
  const off = { automaticDeserialization: false, responseEncoding: false, enableAutoPipelining: false } as const;
  return { client: new Redis({ url, token: TOKEN, ...off }) };
}

/** A client of `@upstash/redis` that sends in a way of its own. */
export function upstashWithMiddleware(url: string, token: string = TOKEN): Place {
  const client = new Redis({ url, token, retry: { retries: 0 } });
  client.use((request, next) => next(request));
  return { client };
}

/** A connection to a place. */
export function connectionTo(place: Place, options: { readonly socketTimeoutMs?: number } = {}): RedisConnection {
  return "url" in place ? openRest({ ...place, ...options }) : openGivenClient({ ...place, ...options });
}
