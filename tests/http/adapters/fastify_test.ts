import assert from "node:assert/strict";
import { describe, it } from "node:test";

import Fastify, { type FastifyRequest } from "fastify";

import { ConfigError, createRateSync, type RateSync } from "@ratesync/core";
import { admissionOf, type FastifyHook, rateLimit } from "@ratesync/core/http/fastify";
import { APPS } from "./_apps.ts";
import { testApp, testBytes } from "./_suite.ts";

testApp("Fastify 5", APPS.fastify);
testBytes("Fastify 5", APPS.fastify);

function newRateSync(): RateSync {
  return createRateSync({
    limiters: {
      api: { limit: 5, windowMs: 60_000 },
      login: { limit: 2, windowMs: 60_000, algorithm: "fixed_window" },
    },
  });
}

describe("rateLimit() of Fastify", () => {
  it("guards the whole instance, and lets routes override it", async () => {
    await using rs = newRateSync();
    await using app = Fastify();
    app.get("/before", () => "hello");
    await app.register(rateLimit, { limiter: "api", rateSync: rs, prefix: "/x" });
    app.get("/after", () => "hello");
    app.get("/free", { config: { rateLimit: false } }, () => "hello");
    app.get("/login", { config: { rateLimit: { limiter: "login" } } }, () => "hello");
    await app.register((below, _options, done) => {
      below.get("/below", () => "hello");
      done();
    });
    const told = async (url: string) => (await app.inject({ url })).headers["ratelimit"];
    assert.equal(await told("/before"), '"api";r=4;t=12');
    assert.match(`${await told("/after")}`, /^"api";r=3/);
    assert.match(`${await told("/below")}`, /^"api";r=2/);
    assert.match(`${await told("/nowhere")}`, /^"api";r=1/, "unknown paths are limited too");
    assert.equal(await told("/free"), undefined);
    assert.equal(await told("/login"), '"login";r=1;t=60');
  });

  it("guards only routes with a config.rateLimit if it is not global", async () => {
    await using rs = newRateSync();
    await using app = Fastify();
    await app.register(rateLimit, { limiter: "api", rateSync: rs, global: false });
    app.get("/", () => "hello");
    app.get("/guarded", { config: { rateLimit: { headers: "draft-7" } } }, () => "hello");
    assert.equal((await app.inject("/")).headers["ratelimit"], undefined);
    assert.equal((await app.inject("/guarded")).headers["ratelimit"], "limit=5, remaining=4, reset=12");
  });

  it("stays inside the instance that it is registered on", async () => {
    await using rs = newRateSync();
    await using app = Fastify();
    await app.register(async (below) => {
      await below.register(rateLimit, { limiter: "api", rateSync: rs });
      below.get("/guarded", () => "hello");
    });
    app.get("/free", () => "hello");
    assert.notEqual((await app.inject("/guarded")).headers["ratelimit"], undefined);
    assert.equal((await app.inject("/free")).headers["ratelimit"], undefined);
  });

  it("passes the decision to handlers", async () => {
    await using rs = newRateSync();
    await using app = Fastify();
    await app.register(rateLimit, { limiter: "api", rateSync: rs });
    app.get("/", (request) => [
      admissionOf(request)?.decision?.remaining,
      request.getDecorator<{ decision: { remaining: number } }>("rateLimit").decision.remaining,
    ]);
    assert.deepEqual((await app.inject("/")).json(), [4, 4]);
  });

  it("can decide after the body was read", async () => {
    await using rs = newRateSync();
    await using app = Fastify();
    await app.register(rateLimit<FastifyRequest>, {
      limiter: "login",
      rateSync: rs,
      hook: "preHandler",
      key: ({ raw }) => (raw.body as { user: string }).user,
    });
    app.post("/", () => "hello");
    const ask = async (user: string) => (await app.inject({ method: "POST", url: "/", payload: { user } })).statusCode;
    assert.deepEqual([await ask("a"), await ask("a"), await ask("a"), await ask("b")], [200, 200, 429, 200]);
  });

  for (const hook of ["preParsing", "preValidation", "preHandler"] as const) {
    it(`decides in ${hook} after the hooks of that name that are added later, on the instance, below it and on the route`, async () => {
      await using rs = newRateSync();
      await using app = Fastify();
      app.get("/earlier", () => "hello");
      await app.register(rateLimit<FastifyRequest>, {
        limiter: "login",
        rateSync: rs,
        hook,
        key: ({ raw }) => (raw as { user?: string }).user,
        logger: { warn: () => {} },
      });
      const know = (request: FastifyRequest, ...rest: unknown[]) => {
        Object.assign(request, { user: (request.query as { u?: string }).u });
        (rest.at(-1) as () => void)();
      };
      app.addHook(hook as "preHandler", know as never);
      app.get("/late", () => "hello");
      await app.register(async (below) => {
        below.addHook(hook as "preHandler", know as never);
        below.get("/below", () => "hello");
        await below.register((_deepest, _options, done) => done());
      });
      app.get("/route", { [hook]: know } as object, () => "hello");
      for (const url of ["/late", "/below", "/route"]) {
        const statuses = [];
        for (const u of ["ada", "bob", "cyd", "ada", "ada"]) {
          statuses.push((await app.inject(`${url}?u=${u}${url}`)).statusCode);
        }
        assert.deepEqual(statuses, [200, 200, 200, 200, 429], url);
        assert.equal((await app.inject({ method: "HEAD", url: `${url}?u=ada${url}` })).statusCode, 429);
      }
      const other = [];
      for (let i = 0; i < 3; i++) other.push((await app.inject("/earlier")).statusCode);
      assert.deepEqual(other, [200, 200, 429], "a route made before the plugin is guarded, too");
      assert.equal((await app.inject("/nowhere")).statusCode, 429, "and so are pages that are not there");
    });
  }

  it("finds mistakes when it is set up", async () => {
    await using rs = newRateSync();
    const options = { limiter: "api", rateSync: rs };
    await assert.rejects(
      async () => await Fastify().register(rateLimit, { ...options, hook: "onSend" as FastifyHook }),
      ConfigError,
    );
    await assert.rejects(async () => await Fastify().register(rateLimit, { ...options, limiter: "apy" }), /apy/);
    await using app = Fastify();
    await app.register(rateLimit, options);
    for (const wrong of [{ limiter: "apy" }, { costs: 2 }, "api", null]) {
      assert.throws(() => app.get("/", { config: { rateLimit: wrong } } as object, () => "hello"));
    }
  });
});
