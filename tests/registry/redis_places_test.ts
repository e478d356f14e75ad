import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import { Redis } from "@upstash/redis";
import { createClient } from "redis";

import { createRateSync, type RateSyncOptions } from "../../mod.ts";
import { ConfigError } from "../../src/base/errors.ts";
import { redisFromEnv } from "../../src/stores/redis/mod.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { startRestRedis, TOKEN } from "../_support/rest_redis.ts";

type Stores = NonNullable<RateSyncOptions<"api">["stores"]>;

const REST = { engine: "redis", url: "https://h.upstash.io", token: TOKEN } as const;
const LIMITERS = { api: { limit: 1, windowMs: 3_600_000, onStoreError: "throw" } } as const;

function refused(shared: object, path: string, expected: RegExp): void {
  assert.throws(() => createRateSync({ stores: { shared } as never, limiters: LIMITERS }), (error) => {
    assert.ok(error instanceof ConfigError, inspect(error));
    assert.equal(error.path, `stores.shared.${path}`);
    assert.match(error.expected, expected);
    assert.doesNotMatch(inspect(error, { depth: 5 }), new RegExp(TOKEN));
    return true;
  });
}

/** Takes the only unit through a store, and sees it gone through an instance of its own. */
async function assertDecides(shared: Stores[string], prefix: string): Promise<void> {
  const rs = createRateSync({ stores: { shared }, limiters: LIMITERS });
  const other = createRateSync({
    stores: { shared: { engine: "redis", url: redisUrl(), keyPrefix: prefix } },
    limiters: LIMITERS,
  });
  try {
    assert.equal((await rs.tryAcquire("api")).allowed, true);
    assert.equal((await other.tryAcquire("api")).allowed, false);
    await other.reset("api");
    assert.equal((await rs.check("shared")).ok, true);
  } finally {
    await Promise.all([rs.close(), other.close()]);
  }
}

describe("a store over REST in createRateSync()", () => {
  it("decides, and is listed without its token", async () => {
    await using endpoint = await startRestRedis();
    const keyPrefix = freshPrefix();
    const shared = { engine: "redis", url: endpoint.url, token: TOKEN, keyPrefix } as const;
    await assertDecides(shared, keyPrefix);
    const listing = createRateSync({ stores: { shared }, limiters: LIMITERS }).listStores()["shared"];
    assert.deepEqual([listing?.engine, listing?.url, listing?.open], ["redis", endpoint.url, false]);
    assert.ok(!JSON.stringify(listing).includes(TOKEN));
  });

  it("takes its URL from the environment", async () => {
    await using endpoint = await startRestRedis();
    const keyPrefix = freshPrefix();
    const found = redisFromEnv({ KV_REST_API_URL: endpoint.url, KV_REST_API_TOKEN: TOKEN });
    assert.ok(found);
    await assertDecides({ ...found, keyPrefix }, keyPrefix);
  });

  it("requires a token, and a plain address", () => {
    refused({ ...REST, token: undefined }, "token", /^the token of the REST endpoint/);
    refused({ ...REST, token: "" }, "token", /^the token of the REST endpoint/);
    refused({ ...REST, token: `${TOKEN}\n` }, "token", /without spaces or line breaks/);
    refused({ ...REST, token: [TOKEN] }, "token", /^the token of the REST endpoint/);
    refused({ ...REST, url: `https://user:${TOKEN}@h` }, "url", /^https:\/\/host of a REST endpoint/);
    refused({ ...REST, url: `https://h?_token=${TOKEN}` }, "url", /without user, query and fragment/);
    refused({ ...REST, url: "https://" }, "url", /^https:\/\/host/);
  });

  it("refuses options for other connections", () => {
    for (
      const more of [{ db: 1 }, { password: "x" }, { tlsServerName: "h" }, { poolMaxSize: 2 }, {
        socketConnectTimeoutMs: 1,
      }]
    ) {
      refused({ ...REST, ...more }, Object.keys(more)[0] as string, /^none with the https:\/\/ address/);
    }
    refused({ ...REST, url: "redis://h" }, "token", /^none with redis:\/\//);
    refused({ ...REST, keyPrefix: "" }, "keyPrefix", /not empty/);
    refused({ ...REST, socketTimeoutMs: 0 }, "socketTimeoutMs", /milliseconds/);
  });
});

describe("a client in createRateSync()", () => {
  it("decides, is listed as what it is, and stays open", async () => {
    const client = await createClient({ url: redisUrl() }).on("error", () => {}).connect();
    const keyPrefix = freshPrefix();
    await assertDecides({ engine: "redis", client, keyPrefix }, keyPrefix);
    const rs = createRateSync({ stores: { shared: { engine: "redis", client } }, limiters: LIMITERS });
    assert.equal(rs.listStores()["shared"]?.url, "the given node-redis client");
    assert.equal(await client.ping(), "PONG");
    client.destroy();
  });

  it("may be one of REST", async () => {
    await using endpoint = await startRestRedis();
    const client = new Redis({ url: endpoint.url, token: TOKEN });
    const keyPrefix = freshPrefix();
    await assertDecides({ engine: "redis", client, keyPrefix }, keyPrefix);
    const rs = createRateSync({ stores: { shared: { engine: "redis", client } }, limiters: LIMITERS });
    assert.equal(rs.listStores()["shared"]?.url, "the given @upstash/redis client");
  });

  it("replaces the client of a store that is there, which stays open too", async () => {
    const [one, two] = await Promise.all([1, 2].map(() => createClient({ url: redisUrl() }).connect()));
    assert.ok(one && two);
    const keyPrefix = freshPrefix();
    await using rs = createRateSync({
      stores: { shared: { engine: "redis", client: one, keyPrefix } },
      limiters: LIMITERS,
    });
    assert.equal((await rs.tryAcquire("api")).allowed, true);
    await rs.configureStore("shared", { engine: "redis", client: two, keyPrefix });
    one.destroy();
    assert.equal((await rs.tryAcquire("api")).allowed, false);
    await rs.reset("api");
    two.destroy();
  });

  it("is refused where its kind is not known, and the kinds are listed", () => {
    for (const client of [{}, null, 42, "redis://h", () => {}, { sendCommand: () => {} }]) {
      refused(
        { engine: "redis", client },
        "client",
        /node-redis,.* ioredis,.* Bun's client .* @upstash\/redis .* @vercel\/kv/,
      );
    }
  });

  it("replaces a url, and accepts no options of one", () => {
    const client = createClient();
    refused({ engine: "redis", client, url: "redis://h" }, "client", /^a url or a client, not both/);
    refused({ engine: "redis" }, "url", /^a url, or a client in its place/);
    refused({ engine: "redis", client, poolMaxSize: 2 }, "poolMaxSize", /one of|known option/);
  });
});

describe("redisFromEnv()", () => {
  const url = "https://h.upstash.io";

  it("knows the variables of Upstash, of Vercel, and REDIS_URL, in this order", () => {
    const all = {
      UPSTASH_REDIS_REST_URL: `${url}/1`,
      UPSTASH_REDIS_REST_TOKEN: "one",
      UPSTASH_REDIS_URL: `${url}/2`,
      UPSTASH_REDIS_TOKEN: "two",
      KV_REST_API_URL: `${url}/3`,
      KV_REST_API_TOKEN: "three",
      REDIS_URL: "redis://h",
    };
    assert.deepEqual(redisFromEnv(all), { engine: "redis", url: `${url}/1`, token: "one" });
    assert.deepEqual(redisFromEnv({ ...all, UPSTASH_REDIS_REST_URL: "" }), {
      engine: "redis",
      url: `${url}/2`,
      token: "two",
    });
    const { KV_REST_API_URL, KV_REST_API_TOKEN, REDIS_URL } = all;
    assert.deepEqual(redisFromEnv({ KV_REST_API_URL, KV_REST_API_TOKEN, REDIS_URL }), {
      engine: "redis",
      url: `${url}/3`,
      token: "three",
    });
    assert.deepEqual(redisFromEnv({ REDIS_URL }), { engine: "redis", url: "redis://h" });
  });

  it("is undefined where nothing is set", () => {
    assert.equal(redisFromEnv({}), undefined);
    assert.equal(redisFromEnv({ UPSTASH_REDIS_REST_URL: "", REDIS_URL: "" }), undefined);
  });

  it("uses UPSTASH_REDIS_URL over TCP if it has a redis:// URL", () => {
    const env = { UPSTASH_REDIS_URL: "rediss://default:secret@h:6379" };
    assert.deepEqual(redisFromEnv(env), { engine: "redis", url: env.UPSTASH_REDIS_URL });
  });

  it("names the token that is missing", () => {
    assert.throws(() => redisFromEnv({ KV_REST_API_URL: url }), { code: "CONFIG_INVALID", path: "KV_REST_API_TOKEN" });
  });
});
