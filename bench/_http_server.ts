/**
 * A server that says hello, in a process of its own: `_http_server <framework> <guard> [Redis URL]`. Prints its port, and
 * answers each line that it is sent with the processor time that it has used, in microseconds.
 *
 * @module
 */

import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";

import type { Store } from "express-rate-limit";

import { createRateSync } from "@ratesync/core";
import { ENDLESS, HOUR_MS, openRateSync } from "./_ours.ts";

const [framework = "", guard = "", redisUrl] = process.argv.slice(2);
const limit = 1_000_000_000;
const hello = "hello";

const listeners: Readonly<Record<string, () => Promise<RequestListener>>> = { express, fastify, hono };
const listener = listeners[framework];
if (listener === undefined) throw new Error(`Cannot serve: there is no ${framework}`);
const server = createServer(await listener());
server.keepAliveTimeout = 0; // connections are idle while others are measured
server.listen(0, "127.0.0.1");
await once(server, "listening");
console.log((server.address() as AddressInfo).port);
process.stdin.on("data", () => {
  const { user, system } = process.cpuUsage();
  console.log(user + system);
});

/** Our options: a token bucket that has room for all, in the memory of this process or in Redis. */
function ours() {
  const limiters = { api: ENDLESS };
  return {
    limiter: "api",
    rateSync: redisUrl === undefined ? createRateSync({ limiters }) : openRateSync(redisUrl, limiters),
  };
}

async function express(): Promise<RequestListener> {
  const { default: express } = await import("express");
  const app = express();
  if (guard === "ours") {
    const { rateLimit } = await import("@ratesync/core/http/express");
    app.use(rateLimit(ours()));
  } else if (guard === "peer") {
    const { rateLimit } = await import("express-rate-limit");
    const store = redisUrl === undefined ? undefined : await expressStore(redisUrl);
    app.use(rateLimit({ windowMs: HOUR_MS, limit, standardHeaders: "draft-8", legacyHeaders: false, ...store }));
  }
  app.get("/", (_request, response) => void response.send(hello));
  return app;
}

async function fastify(): Promise<RequestListener> {
  const { default: newFastify } = await import("fastify");
  const app = newFastify();
  if (guard === "ours") {
    const { rateLimit } = await import("@ratesync/core/http/fastify");
    await app.register(rateLimit, ours());
  } else if (guard === "peer") {
    const { default: rateLimit } = await import("@fastify/rate-limit");
    const store = redisUrl === undefined ? undefined : await fastifyStore(redisUrl);
    await app.register(rateLimit, { max: limit, timeWindow: HOUR_MS, enableDraftSpec: true, ...store });
  }
  app.get("/", (_request, reply) => reply.send(hello));
  await app.ready();
  return (request, response) => app.routing(request, response);
}

/** The store of express-rate-limit, on the client that its documentation uses. */
async function expressStore(url: string): Promise<{ readonly store: Store }> {
  const { RedisStore } = await import("rate-limit-redis");
  const { createClient } = await import("redis");
  const client = await createClient({ url }).connect();
  return {
    store: new RedisStore({ sendCommand: (...args: string[]) => client.sendCommand(args), prefix: "express:" }),
  };
}

/** The client of @fastify/rate-limit, with the options that its documentation advises. */
async function fastifyStore(url: string): Promise<{ readonly redis: unknown }> {
  const { Redis } = await import("ioredis");
  return { redis: new Redis(url, { connectTimeout: 500, maxRetriesPerRequest: 1 }) };
}

async function hono(): Promise<RequestListener> {
  const { Hono } = await import("hono");
  const { getRequestListener } = await import("@hono/node-server");
  const app = new Hono();
  if (guard === "ours") {
    const { rateLimit } = await import("@ratesync/core/http/hono");
    app.use(rateLimit(ours()));
  } else if (guard === "peer") {
    const { rateLimiter } = await import("hono-rate-limiter");
    const { getConnInfo } = await import("@hono/node-server/conninfo");
    app.use(rateLimiter({
      windowMs: HOUR_MS,
      limit,
      standardHeaders: "draft-7",
      keyGenerator: (context) => getConnInfo(context).remote.address ?? "",
    }));
  }
  app.get("/", (context) => context.text(hello));
  return getRequestListener(app.fetch);
}
