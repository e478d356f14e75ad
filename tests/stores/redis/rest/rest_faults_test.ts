import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { after, before, describe, it } from "node:test";
import { inspect } from "node:util";

import { Redis } from "@upstash/redis";
import { createClient as createKv, kv } from "@vercel/kv";

import { createRateSync, type RateSync } from "../../../../mod.ts";
import { freePort } from "../../../../scripts/_free_port.ts";
import { StoreError } from "../../../../src/base/errors.ts";
import { openGivenClient } from "../../../../src/stores/redis/connections/clients/open.ts";
import type { RedisConnection } from "../../../../src/stores/redis/connections/connection.ts";
import { openRawRedis, type RawRedis } from "../../../_support/raw_redis.ts";
import { freshPrefix } from "../../../_support/redis.ts";
import { type RestRedis, startRestRedis, TOKEN } from "../../../_support/rest_redis.ts";
import { connectionTo, places, upstashWithMiddleware } from "./_rest_places.ts";
import { scriptOf } from "../_servers.ts";

const increment = scriptOf("return redis.call('INCR', KEYS[1])");
const refuse = scriptOf("return redis.error_reply('NOPE no')");

/** What an endpoint answers in place of its own answer. */
interface Fault {
  readonly answer: (response: ServerResponse) => unknown;
  readonly code: StoreError["code"];
  readonly message: RegExp;
  readonly reason: StoreError["reason"];
  /** What the clients' errors can tell of it, where that is less. */
  readonly byClient?: Partial<Pick<Fault, "message" | "reason">>;
}

const html = (status: number, text: string) => (response: ServerResponse) =>
  response.writeHead(status, { "content-type": "text/html; charset=utf-8" }).end(text);
const json = (status: number, body: unknown) => (response: ServerResponse) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

const faults: Readonly<Record<string, Fault>> = {
  "a page that is not found": {
    answer: html(404, "<h1>Not found</h1>"),
    code: "STORE_UNAVAILABLE",
    message: /HTTP 404, text\/html\) is no REST endpoint of Redis; check the url/,
    reason: "not_redis",
    byClient: { message: /is no REST endpoint of Redis; check the url/ },
  },
  "a page in place of an answer": {
    answer: html(200, "<h1>Welcome</h1>"),
    code: "STORE_UNAVAILABLE",
    message: /\(HTTP 200, text\/html\): a proxy or a cache may have changed it; the command may have run/,
    reason: "invalid_answer",
    byClient: { message: /is no REST endpoint of Redis; check the url/, reason: "not_redis" },
  },
  "JSON of something else": {
    answer: json(200, { hello: "world" }),
    code: "STORE_UNAVAILABLE",
    message: /\(HTTP 200, application\/json\): a proxy or a cache may have changed it/,
    reason: "invalid_answer",
    byClient: { message: /an answer without a result/ },
  },
  "half of an answer": {
    answer: (response) => response.writeHead(200, { "content-type": "application/json" }).end('{"result":[1,'),
    code: "STORE_UNAVAILABLE",
    message: /a proxy or a cache may have changed it; the command may have run/,
    reason: "invalid_answer",
    byClient: { message: /is no REST endpoint of Redis/, reason: "not_redis" },
  },
  "a result of null": {
    answer: json(200, { result: null }),
    code: "STORE_UNAVAILABLE",
    message: /\(a result of null\): a proxy or a cache may have changed it/,
    reason: "invalid_answer",
  },
  "a failure of the service": {
    answer: json(503, { error: "database is being moved" }),
    code: "STORE_UNAVAILABLE",
    message: /HTTP 503: database is being moved\); the command may have run/,
    reason: "connection_broke",
    byClient: { message: /database is being moved\); the command may have run/ },
  },
  "a page of a broken gateway": {
    answer: html(502, "<h1>Bad gateway</h1>"),
    code: "STORE_UNAVAILABLE",
    message: /HTTP 502\); the command may have run/,
    reason: "connection_broke",
    byClient: { message: /no REST endpoint/, reason: "not_redis" },
  },
  "a limit of the service itself": {
    answer: json(429, { error: "Too many requests" }),
    code: "STORE_REFUSED",
    message: /limits how often it is asked \(HTTP 429: Too many requests\); raise/,
    reason: "too_many_requests",
    byClient: { message: /Too many requests/ },
  },
  "the end of a plan's allowance": {
    answer: json(400, { error: "ERR max requests limit exceeded. Limit: 500000, Usage: 500000" }),
    code: "STORE_REFUSED",
    message: /how often it is asked \(ERR max requests limit exceeded\. Limit: 500000, Usage: 500000\); raise/,
    reason: "too_many_requests",
  },
};

const OWN_WAY = "@upstash/redis with middleware";

for (const [kind, place] of Object.entries({ ...places, [OWN_WAY]: upstashWithMiddleware })) {
  describe(`REST through ${kind}`, () => {
    const isOurs = kind !== OWN_WAY;
    let endpoint: RestRedis;
    let raw: RawRedis;
    let connection: RedisConnection;
    before(async () => {
      endpoint = await startRestRedis();
      raw = await openRawRedis();
      connection = connectionTo(place(endpoint.url), { socketTimeoutMs: 10_000 });
      await connection.connect();
    });
    after(async () => {
      await connection.close();
      await endpoint[Symbol.asyncDispose]();
      await raw.close();
    });

    for (const [name, fault] of Object.entries(faults)) {
      it(`reports ${name}`, async () => {
        const { code, message, reason } = isOurs ? fault : { ...fault, ...fault.byClient };
        const own = connectionTo(place(endpoint.url));
        await own.connect();
        endpoint.misbehave = (_, response) => {
          fault.answer(response);
          return true;
        };
        try {
          await rejectsWith(own.run(increment, ["fault"], []), code, message, reason);
        } finally {
          endpoint.misbehave = undefined;
          await own.close();
        }
      });
    }

    it("reports a refusal by Redis", () => rejectsWith(connection.run(refuse, [], []), "STORE_REFUSED", /: NOPE no$/));

    it("reports a wrong token, and does not show it", async () => {
      const wrong = connectionTo(place(endpoint.url, "a-secret-that-is-wrong"));
      for (const call of [wrong.connect(), wrong.run(increment, ["token"], [])]) {
        await rejectsWith(call, "STORE_REFUSED", /it does not take the token \(.*WRONGPASS/, "authentication");
      }
    });

    it("hides a token that the service repeats", async () => {
      const { code, message } = { code: "STORE_REFUSED", message: /ERR / } as const;
      endpoint.misbehave = (_, response) => {
        json(400, { error: `ERR ${isOurs ? TOKEN : "***"} is not known here` })(response);
        return true;
      };
      try {
        await rejectsWith(connection.run(increment, ["token"], []), code, message);
      } finally {
        endpoint.misbehave = undefined;
      }
    });

    it("reports that no server is there", async () => {
      const absent = connectionTo(place(`http://127.0.0.1:${await freePort()}`));
      await rejectsWith(absent.connect(), "STORE_UNAVAILABLE", /^Cannot reach Redis at /);
    });

    // Deno's fetch repeats what a client with ways of its own sends.
    if (isOurs) {
      it("does not repeat a command whose answer was cut off, on a new connection or a used one", async () => {
        const prefix = freshPrefix();
        const cut = connectionTo(place(endpoint.url));
        for (const times of [1, 2, 3]) {
          endpoint.afterwards = (request) => {
            request.socket.destroy();
            return true;
          };
          await rejectsWith(cut.run(increment, [prefix], []), "STORE_UNAVAILABLE", /the command may have run/);
          endpoint.afterwards = undefined;
          assert.equal(await raw.send("GET", prefix), String(times * 2 - 1));
          assert.equal(await cut.run(increment, [prefix], []), times * 2);
        }
        await raw.send("DEL", prefix);
        await cut.close();
      });
    }

    it("gives up a command that is not answered in time, and sends it no more", async () => {
      const prefix = freshPrefix();
      const slow = connectionTo(place(endpoint.url), { socketTimeoutMs: 300 });
      await slow.connect();
      endpoint.afterwards = () => true;
      try {
        await rejectsWith(
          slow.run(increment, [prefix], []),
          "STORE_TIMEOUT",
          /within 300 ms: the command may have run/,
        );
      } finally {
        endpoint.afterwards = undefined;
      }
      assert.equal(await slow.run(increment, [prefix], []), 2);
      await raw.send("DEL", prefix);
      await slow.close();
    });
  });
}

describe("createRedisStore({ client }) over REST", () => {
  const refused = (client: unknown, message: RegExp) =>
    assert.throws(() => openGivenClient({ client: client as never }), (error: Error) => {
      assert.equal((error as { code?: unknown }).code, "CONFIG_INVALID");
      assert.match(error.message, message);
      return true;
    });

  it("refuses a client with middleware that repeats requests, and takes one that does not", () => {
    const url = "https://example.upstash.io";
    const middleware = (client: Redis) => {
      client.use((request, next) => next(request));
      return client;
    };
    refused(middleware(new Redis({ url, token: TOKEN })), /retry: \{ retries: 0 \}/);
    openGivenClient({ client: middleware(new Redis({ url, token: TOKEN, retry: { retries: 0 } })) });
  });

  it("refuses a client that hides how it sends", () => {
    const nothing = () => Promise.resolve();
    refused({ eval: nothing, evalsha: nothing, createScript: nothing }, /client\.request, or a url and a token/);
  });

  it("says what is missing if kv has no environment", () => {
    refused(kv, /one that cannot be used: @vercel\/kv: Missing required environment variables KV_REST_API_URL/);
  });

  it("leaves the client as it was", async () => {
    await using endpoint = await startRestRedis();
    const client = createKv({ url: endpoint.url, token: TOKEN });
    const before = inspect(client, { depth: 1, getters: false });
    const connection = openGivenClient({ client });
    await connection.run(increment, ["left"], []);
    await connection.close();
    assert.equal(inspect(client, { depth: 1, getters: false }), before);
    assert.equal(await client.get("left"), 1);
    await client.del("left");
  });
});

async function rejectsWith(
  call: Promise<unknown>,
  code: StoreError["code"],
  message: RegExp,
  reason?: StoreError["reason"],
): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof StoreError, inspect(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    if (reason !== undefined) assert.equal(error.reason, reason);
    assert.doesNotMatch(inspect(error, { depth: 5 }), new RegExp(`${TOKEN}|a-secret-that-is-wrong`));
    return true;
  });
}

describe("A store over REST whose endpoint answers with results of something else", () => {
  const VERBS: Readonly<Record<string, (rs: RateSync<string>, limiter: string) => Promise<unknown>>> = {
    connect: (rs) => rs.connect(),
    tryAcquire: (rs, limiter) => rs.tryAcquire(limiter),
    peek: (rs, limiter) => rs.peek(limiter),
    explain: (rs, limiter) => rs.explain(limiter),
    reset: (rs, limiter) => rs.reset(limiter),
  };

  for (const result of ["OK", 5, [], ["OK"], { answer: 42 }]) {
    it(`every call says so: ${JSON.stringify(result)}`, async () => {
      await using endpoint = await startRestRedis();
      endpoint.misbehave = (_, response) => {
        json(200, { result })(response);
        return true;
      };
      await using rs = createRateSync<string>({
        logger: false,
        stores: { main: { engine: "redis", url: endpoint.url, token: TOKEN, onStoreError: "throw" } },
        limiters: { rate: { limit: 5, windowMs: 60_000 }, permits: { maxConcurrent: 5 } },
      });
      for (const [verb, call] of Object.entries(VERBS)) {
        for (const limiter of ["rate", "permits"]) {
          await assert.rejects(call(rs, limiter), { name: "StoreError", reason: "invalid_answer" }, verb);
        }
      }
      const { ok, problems } = await rs.check();
      assert.deepEqual([ok, problems.map(({ reason }) => reason)], [false, ["invalid_answer"]]);
      assert.doesNotMatch(JSON.stringify(problems), /undefined|is not a/);
    });
  }
});
