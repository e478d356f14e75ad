import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { describe, it } from "node:test";

import { Elysia } from "elysia";
import express from "express";
import Fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";

import { createRateSync, type RateSync } from "@ratesync/core";
import { createGuard, type Guard, type GuardOptions } from "@ratesync/core/http";
import * as elysia from "@ratesync/core/http/elysia";
import * as ofExpress from "@ratesync/core/http/express";
import * as fastify from "@ratesync/core/http/fastify";
import { guardHandler as guardFetch } from "@ratesync/core/http/fetch";
import * as hono from "@ratesync/core/http/hono";
import * as koa from "@ratesync/core/http/koa";
import { admitNode, guardHandler, guardMiddleware } from "@ratesync/core/http/node";
import { serveNode } from "./_servers.ts";

type Options = GuardOptions;
/** Asks once for a page that two guards stand in front of; resolves to the `RateLimit` header. */
type Ask = (first: Guard | Options, second: Guard | Options) => Promise<string | null>;

async function askNode(listener: RequestListener): Promise<string | null> {
  await using server = await serveNode(listener as never);
  const response = await fetch(server.url);
  assert.equal(await response.text(), "hello");
  return response.headers.get("ratelimit");
}

const ADAPTERS: Readonly<Record<string, Ask>> = {
  fetch: async (first, second) => {
    const guarded = guardFetch(guardFetch(() => new Response("hello"), second), first);
    return (await guarded(new Request("http://localhost/"))).headers.get("ratelimit");
  },
  "a handler of node": (first, second) => {
    const inner = guardHandler((_request, response) => void response.end("hello"), second as Options);
    return askNode(guardHandler(inner, first as Options));
  },
  "middleware of node": (first, second) => {
    const [outer, inner] = [guardMiddleware(first as Options), guardMiddleware(second as Options)];
    return askNode((request, response) =>
      outer(request, response, () => inner(request, response, () => void response.end("hello")))
    );
  },
  Express: (first, second) => {
    const router = express.Router();
    router.use(ofExpress.rateLimit(second as Options));
    router.get("/", (_request, response) => void response.send("hello"));
    const app = express();
    app.use(ofExpress.rateLimit(first as Options), router);
    return askNode(app);
  },
  Koa: (first, second) => {
    const app = new Koa();
    app.use(koa.rateLimit(first as Options));
    app.use(koa.rateLimit(second as Options));
    app.use((context) => void (context.body = "hello"));
    return askNode(app.callback());
  },
  Hono: async (first, second) => {
    const app = new Hono();
    app.use(hono.rateLimit(first as Options));
    app.get("/", hono.rateLimit(second as Options), (context) => context.text("hello"));
    return (await app.request("/")).headers.get("ratelimit");
  },
  Elysia: async (first, second) => {
    const app = new Elysia().use(elysia.rateLimit(first as Guard<Request>)).use(
      elysia.rateLimit(second as Guard<Request>),
    ).get("/", () => "hello");
    return (await app.handle(new Request("http://localhost/"))).headers.get("ratelimit");
  },
};

/** What Fastify takes is options, never a guard. */
async function askFastify(first: Options, second: Options): Promise<unknown> {
  await using app = Fastify();
  await app.register(fastify.rateLimit, first);
  await app.register(async (below) => {
    await below.register(fastify.rateLimit, second);
    below.get("/", () => "hello");
  });
  return (await app.inject("/")).headers["ratelimit"];
}

/** An instance, what is used up of it, and what is logged. */
class Lab implements AsyncDisposable {
  readonly logged: string[] = [];
  readonly rs: RateSync = createRateSync({
    limiters: { api: { limit: 9, windowMs: 60_000, algorithm: "fixed_window" } },
  });
  readonly options: Options = {
    limiter: "api",
    rateSync: this.rs,
    key: false,
    logger: { warn: (message: string) => this.logged.push(message) },
  };

  get used(): Promise<number> {
    return this.rs.peek("api").then(({ limit, remaining }) => limit - remaining);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.rs.close();
  }
}

describe("A guard that is mounted twice on one request", () => {
  for (const [name, ask] of Object.entries(ADAPTERS)) {
    it(`charges once, sets headers once, and warns once, with ${name}`, async () => {
      await using lab = new Lab();
      const guard = createGuard(lab.options);
      for (const used of [1, 2, 3]) {
        assert.equal(await ask(guard, guard), `"api";r=${9 - used};t=60`);
        assert.equal(await lab.used, used);
      }
      assert.equal(lab.logged.length, 1);
      assert.match(lab.logged[0] ?? "", /guard of limiter "api" is mounted twice/);
    });

    it(`is one guard if it is made twice of the same options, with ${name}`, async () => {
      await using lab = new Lab();
      assert.equal(await ask({ ...lab.options }, { ...lab.options }), '"api";r=8;t=60');
      assert.deepEqual([await lab.used, lab.logged.length], [1, 1]);
    });

    it(`is not the same as one with other options: both charge, with ${name}`, async () => {
      await using lab = new Lab();
      assert.equal(await ask(lab.options, { ...lab.options, cost: 3 }), '"api";r=5;t=60');
      assert.deepEqual([await lab.used, lab.logged.length], [4, 0]);
    });
  }

  it("charges once, and warns, where a plugin of Fastify is registered on an instance and on one below it", async () => {
    await using lab = new Lab();
    assert.equal(await askFastify({ ...lab.options }, { ...lab.options }), '"api";r=8;t=60');
    assert.deepEqual([await lab.used, lab.logged.length], [1, 1]);
    assert.equal(await askFastify(lab.options, { ...lab.options, cost: 3 }), '"api";r=4;t=60');
    assert.equal(lab.logged.length, 1);
  });

  it("denies again what it has denied before on the same request", async () => {
    await using lab = new Lab();
    const guard = createGuard({ ...lab.options, cost: 9 });
    const middleware = guardMiddleware(guard);
    const passed: boolean[] = [];
    await using server = await serveNode(async (request, response) => {
      const { allowed } = await admitNode(guard, request, response);
      middleware(request, response, () => passed.push(allowed));
      if (allowed) response.end("hello");
    });
    const statuses = [(await fetch(server.url)).status, (await fetch(server.url)).status];
    assert.deepEqual([statuses, passed], [[200, 429], [true]]);
  });

  it("charges again for another request, also where that is the same object", async () => {
    await using lab = new Lab();
    const handler = guardFetch(() => new Response("hello"), lab.options);
    const request = new Request("http://localhost/");
    for (let i = 0; i < 3; i++) await handler(request);
    assert.deepEqual([await lab.used, lab.logged.length], [3, 0]);
  });
});
