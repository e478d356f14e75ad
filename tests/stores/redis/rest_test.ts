import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Redis } from "@upstash/redis";
import { createClient as createKv } from "@vercel/kv";

import { createRedisStore, type RedisStore, type UpstashLike } from "../../../src/stores/redis/mod.ts";
import { storeConformance } from "../../../src/testing/mod.ts";
import { openRawRedis } from "../../_support/raw_redis.ts";
import { freshPrefix } from "../../_support/redis.ts";
import { type RestRedis, startRestRedis, TOKEN } from "../../_support/rest_redis.ts";

const GRACE_MS = 60_000;

type Place = { readonly url: string; readonly token: string } | { readonly client: UpstashLike };

const places: Readonly<Record<string, (url: string) => Place>> = {
  "a URL and a token": (url) => ({ url, token: TOKEN }),
  "@upstash/redis": (url) => ({ client: new Redis({ url, token: TOKEN }) }),
  "@upstash/redis, as plain as it can be": (url) => ({
    client: new Redis({
      url,
      token: TOKEN,
      automaticDeserialization: false,
      responseEncoding: false,
      enableAutoPipelining: false,
    }),
  }),
  "@vercel/kv": (url) => ({ client: createKv({ url, token: TOKEN }) }),
};

for (const [kind, place] of Object.entries(places)) {
  describe(`storeConformance() over REST, through ${kind}`, () => {
    const prefixes: string[] = [];
    let endpoint: RestRedis;
    before(async () => {
      endpoint = await startRestRedis();
    });
    after(async () => {
      await endpoint[Symbol.asyncDispose]();
      const raw = await openRawRedis();
      const left = (await Promise.all(prefixes.map((prefix) => raw.keys(`*${prefix}*`)))).flat();
      if (left.length > 0) await raw.send("UNLINK", ...left);
      await raw.close();
    });
    const cases = storeConformance({
      open({ clock }): RedisStore {
        const keyPrefix = freshPrefix();
        prefixes.push(keyPrefix);
        return createRedisStore({ ...place(endpoint.url), keyPrefix, timingMarginMs: GRACE_MS }, { testClock: clock });
      },
    });
    for (const { name, run } of cases) it(name, run);
  });
}
