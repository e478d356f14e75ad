/**
 * Redis as platforms hand it to an application: by environment variables.
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { processEnv } from "../../base/process_env.ts";

/** Where Redis is, as configuration and `createRedisStore` take it. */
export interface RedisFromEnv {
  /** Picks the store. */
  readonly engine: "redis";
  /** The URL, of REST or of Redis itself. */
  readonly url: string;
  /** The token, for REST. */
  readonly token?: string;
}

/** Pairs of URL and token, in the order in which they are looked for. */
const PAIRS = [
  ["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"],
  ["UPSTASH_REDIS_URL", "UPSTASH_REDIS_TOKEN"],
  ["KV_REST_API_URL", "KV_REST_API_TOKEN"],
] as const;

/**
 * Reads where Redis is: `UPSTASH_REDIS_REST_URL` and `_TOKEN`, else `UPSTASH_REDIS_URL` and `_TOKEN`, else
 * `KV_REST_API_URL` and `_TOKEN`, else `REDIS_URL`. A variable that is empty counts as not set.
 *
 * @param env The variables. @default those of the process
 * @returns What a store needs; undefined where none of them is set.
 * @throws {ConfigError} If a URL of REST is set, and its token is not.
 *
 * @example Redis in production, memory on a laptop
 * ```ts
 * import { createRateSync } from "@ratesync/core";
 * import { redisFromEnv } from "@ratesync/core/redis";
 *
 * const rs = createRateSync({
 *   stores: { shared: redisFromEnv() ?? { engine: "memory" } },
 *   limiters: { api: { limit: 100, windowMs: 60_000 } },
 * });
 * ```
 */
export function redisFromEnv(
  env: Readonly<Record<string, string | undefined>> = processEnv(),
): RedisFromEnv | undefined {
  for (const [urlName, tokenName] of PAIRS) {
    const url = env[urlName];
    const token = env[tokenName];
    if (!url) continue;
    if (/^rediss?:/.test(url)) return { engine: "redis", url };
    if (token) return { engine: "redis", url, token };
    throw new ConfigError({ path: tokenName, expected: `the token that goes with ${urlName}`, received: "none" });
  }
  return env["REDIS_URL"] ? { engine: "redis", url: env["REDIS_URL"] } : undefined;
}
