import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Elysia } from "elysia";
import express, { type Request as ExpressRequest } from "express";
import { rateLimit as expressRateLimit, type Store } from "express-rate-limit";
import Fastify, { type FastifyRequest } from "fastify";
import { type Context, Hono } from "hono";
import Koa from "koa";

import { createRateSync } from "@ratesync/core";
import { createGuard } from "@ratesync/core/http";
import * as elysia from "@ratesync/core/http/elysia";
import * as ofExpress from "@ratesync/core/http/express";
import { expressRateLimitStore } from "@ratesync/core/http/express-rate-limit";
import * as fastify from "@ratesync/core/http/fastify";
import * as hono from "@ratesync/core/http/hono";
import * as koa from "@ratesync/core/http/koa";

const rateSync = createRateSync({ limiters: { api: { limit: 5, windowMs: 60_000 } } });
const api = { limiter: "api", rateSync };

describe("the types of the frameworks", () => {
  it("fit Express", () => {
    const app = express();
    app.use(ofExpress.rateLimit(api));
    app.use("/path", ofExpress.rateLimit<ExpressRequest>({ ...api, key: ({ raw }) => raw.ip }));
    app.get("/:id", ofExpress.rateLimit({ ...api, key: ({ raw }) => raw.socket.remoteAddress }));
    const handler: express.RequestHandler = ofExpress.rateLimit(api);
    app.post("/", handler, (request, response) => {
      const left: number | undefined = ofExpress.admissionOf(request)?.decision?.remaining;
      response.json({ left });
    });
    assert.throws(() => ofExpress.rateLimit({ limiter: "" }));
  });

  it("fit Fastify", () => {
    const app = Fastify();
    app.register(fastify.rateLimit, api);
    app.register(fastify.rateLimit<FastifyRequest>, { ...api, key: ({ raw }) => raw.ip, hook: "preHandler" });
    app.get("/", { config: { rateLimit: false } }, (request) => fastify.admissionOf(request)?.allowed);
    assert.equal(typeof app.ready, "function");
  });

  it("fit Hono", () => {
    const app = new Hono<{ Variables: hono.RateLimitVariables }>();
    app.use(hono.rateLimit(api));
    app.use(
      "/a/*",
      hono.rateLimit<Context>({ ...api, key: ({ raw }) => raw.req.param("id"), peer: () => "192.0.2.1" }),
    );
    app.get("/:id", hono.rateLimit(api), (context) => {
      const left: number | undefined = context.get("rateLimit").decision?.remaining;
      return context.json({ left });
    });
    new Hono().use(hono.rateLimit(createGuard(api)));
    assert.equal(app.routes.length, 4);
  });

  it("fit Koa", () => {
    const app = new Koa<koa.RateLimitState>();
    app.use(koa.rateLimit(api));
    app.use(koa.rateLimit({ ...api, key: ({ raw }) => raw.req.socket.remoteAddress }));
    app.use((context) => {
      const left: number | undefined = context.state.rateLimit.decision?.remaining;
      context.body = { left };
    });
    new Koa().use(koa.rateLimit<Koa.Context>({ ...api, key: ({ raw }) => raw.ip }));
    assert.equal(app.middleware.length, 3);
  });

  it("fit Elysia", () => {
    const app = new Elysia()
      .use(elysia.rateLimit(api))
      .derive(({ request }) => ({ rateLimit: elysia.admissionOf(request) }))
      .get("/", ({ rateLimit }) => {
        const left: number | undefined = rateLimit?.decision?.remaining;
        return { left };
      });
    assert.equal(app.routes.length, 1);
  });

  it("fit express-rate-limit", () => {
    const store: Store = expressRateLimitStore({ rateSync });
    assert.equal(typeof expressRateLimit({ store, windowMs: 1_000 }), "function");
  });
});
