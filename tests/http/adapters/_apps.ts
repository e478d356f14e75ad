/**
 * One application, written in each framework and without one: says hello, sends a stream, hangs, or fails.
 *
 * @module
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";

import type Express from "express";
import type { Hono } from "hono";
import type Application from "koa";

import type { GuardOptions } from "@ratesync/core/http";
import { rateLimit as rateLimitElysia } from "@ratesync/core/http/elysia";
import { rateLimit as rateLimitExpress } from "@ratesync/core/http/express";
import { rateLimit as rateLimitFastify } from "@ratesync/core/http/fastify";
import { guardHandler as guardFetch } from "@ratesync/core/http/fetch";
import { rateLimit as rateLimitHono } from "@ratesync/core/http/hono";
import { rateLimit as rateLimitKoa } from "@ratesync/core/http/koa";
import { guardHandler as guardNode, guardMiddleware } from "@ratesync/core/http/node";
import { type RunningServer, serveFetch, serveNode } from "../_servers.ts";

/** What streams and hanging answers wait for. */
export class Gate {
  /** Lets them go on. */
  open!: () => void;
  /** Settled when they may. */
  readonly opened: Promise<void> = new Promise<void>((resolve) => void (this.open = resolve));
}

/** Options that an adapter of any framework takes. */
export type AnyOptions = GuardOptions;

/** Starts the application, guarded. */
export type App = (options: AnyOptions, gate: Gate) => Promise<RunningServer>;

/** What it is written in. */
export type AppName =
  | "fetch"
  | "node"
  | "middleware"
  | "express"
  | "express4"
  | "fastify"
  | "hono"
  | "honoNode"
  | "koa"
  | "koa2"
  | "elysia";

/** Where the application redirects to. */
const ELSEWHERE = "http://127.0.0.1:1/elsewhere";

async function fetchHandler(options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const handler = guardFetch(async (request: Request, ..._info: unknown[]) => {
    switch (new URL(request.url).pathname) {
      case "/stream":
        return new Response(slowBody(gate));
      case "/hang":
        await gate.opened;
        return new Response("late");
      case "/fails":
        return new Response("no", { status: 401 });
      case "/throws":
        throw new Error("on purpose");
      case "/redirect":
        return Response.redirect(ELSEWHERE);
      case "/empty":
        return new Response(null, { status: 204 });
      default:
        return new Response("hello", { headers: { "X-App": "yes" } });
    }
  }, options);
  return await serveFetch((request, info) => {
    return handler(request, info).catch(() => new Response("on purpose", { status: 500 }));
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, gate: Gate): Promise<void> {
  switch (request.url?.split("?")[0]) {
    case "/stream":
      response.write("part");
      await gate.opened;
      return void response.end(" end");
    case "/hang":
      await gate.opened;
      return void response.end("late");
    case "/fails":
      return void response.writeHead(401).end("no");
    case "/throws":
      throw new Error("on purpose");
    case "/redirect":
      return void response.writeHead(302, { Location: ELSEWHERE }).end();
    case "/empty":
      return void response.writeHead(204).end();
    default:
      return void response.writeHead(200, { "X-App": "yes" }).end("hello");
  }
}

function node(options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const handler = guardNode<IncomingMessage, ServerResponse>(
    (request, response) => answer(request, response, gate),
    options,
  );
  return serveNode((request, response) => void handler(request, response).catch(() => response.writeHead(500).end()));
}

function middleware(options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const limit = guardMiddleware<IncomingMessage, ServerResponse>(options);
  return serveNode((request, response) => {
    limit(request, response, (error) => {
      if (error !== undefined) return void response.writeHead(500).end(String(error));
      answer(request, response, gate).catch(() => response.writeHead(500).end());
    });
  });
}

async function express(name: "express" | "express4", options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const { default: express } = await import(name) as { default: typeof Express };
  const app = express();
  app.set("env", "test"); // prints no errors
  app.use(rateLimitExpress(options));
  app.get("/stream", async (_request, response) => {
    response.write("part");
    await gate.opened;
    response.end(" end");
  });
  app.get("/hang", async (_request, response) => {
    await gate.opened;
    response.send("late");
  });
  app.get("/fails", (_request, response) => void response.status(401).send("no"));
  app.get("/throws", () => {
    throw new Error("on purpose");
  });
  app.get("/redirect", (_request, response) => response.redirect(ELSEWHERE));
  app.get("/empty", (_request, response) => void response.status(204).end());
  app.use((_request, response) => void response.set("X-App", "yes").send("hello"));
  return await serveNode(app);
}

async function fastify(options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const { default: newFastify } = await import("fastify");
  const app = newFastify({ forceCloseConnections: true });
  await app.register(rateLimitFastify, options);
  app.get("/stream", (_request, reply) => {
    const body = new PassThrough();
    body.write("part");
    void gate.opened.then(() => body.end(" end"));
    return reply.send(body);
  });
  app.get("/hang", async () => {
    await gate.opened;
    return "late";
  });
  app.get("/fails", (_request, reply) => reply.code(401).send("no"));
  app.get("/throws", () => {
    throw new Error("on purpose");
  });
  app.get("/redirect", (_request, reply) => reply.redirect(ELSEWHERE));
  app.get("/empty", (_request, reply) => reply.code(204).send());
  app.get("/", (_request, reply) => reply.header("X-App", "yes").send("hello"));
  await app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = app.server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => await app.close() };
}

async function koa(name: "koa" | "koa2", options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const { default: Koa } = await import(name) as { default: typeof Application };
  const app = new Koa();
  app.silent = true;
  app.use(rateLimitKoa(options));
  app.use(async (context) => {
    switch (context.path) {
      case "/stream": {
        const body = new PassThrough();
        body.write("part");
        void gate.opened.then(() => body.end(" end"));
        context.body = body;
        return;
      }
      case "/hang":
        await gate.opened;
        context.body = "late";
        return;
      case "/fails":
        context.status = 401;
        context.body = "no";
        return;
      case "/throws":
        throw new Error("on purpose");
      case "/redirect":
        return context.redirect(ELSEWHERE);
      case "/empty":
        context.status = 204;
        return;
      default:
        context.set("X-App", "yes");
        context.body = "hello";
    }
  });
  return await serveNode(app.callback());
}

/** A body that waits in the middle. */
function slowBody(gate: Gate): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async start(controller) {
      controller.enqueue(encoder.encode("part"));
      await gate.opened;
      try {
        controller.enqueue(encoder.encode(" end"));
        controller.close();
      } catch {
        // The client has left.
      }
    },
  });
}

async function newHono(options: AnyOptions, gate: Gate): Promise<Hono> {
  const { Hono } = await import("hono");
  const app = new Hono();
  app.onError((_error, context) => context.text("on purpose", 500));
  app.use(rateLimitHono(options));
  app.get("/stream", () => new Response(slowBody(gate)));
  app.get("/hang", async (context) => {
    await gate.opened;
    return context.text("late");
  });
  app.get("/fails", (context) => context.text("no", 401));
  app.get("/throws", () => {
    throw new Error("on purpose");
  });
  app.get("/redirect", () => Response.redirect(ELSEWHERE));
  app.get("/empty", (context) => context.body(null, 204));
  app.get("/", (context) => context.text("hello", 200, { "X-App": "yes" }));
  return app;
}

/** On the runtime's own server. */
async function hono(options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const app = await newHono(options, gate);
  return await serveFetch((request, info) => app.fetch(request, info));
}

/** On node:http, by way of @hono/node-server. */
async function honoNode(options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const { getRequestListener } = await import("@hono/node-server");
  const app = await newHono(options, gate);
  // Bun runs all files of tests in one process, where its own server takes no other Response.
  const server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: !("Bun" in globalThis) }));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function elysia(options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const { Elysia } = await import("elysia");
  const peers = new WeakMap<Request, string>();
  const isBun = "Bun" in globalThis;
  const app = new Elysia()
    .use(rateLimitElysia(isBun ? options : { ...options, peer: (request) => peers.get(request) }))
    .get("/generator", async function* () {
      const encoder = new TextEncoder(); // Deno takes no text
      yield encoder.encode("part");
      await gate.opened;
      yield encoder.encode(" end");
    })
    .get("/readable", () => slowBody(gate))
    .get("/stream", () => new Response(slowBody(gate)))
    .get("/hang", async () => {
      await gate.opened;
      return "late";
    })
    .get("/fails", ({ status }) => status(401, "no"))
    .get("/throws", () => {
      throw new Error("on purpose");
    })
    .get("/redirect", ({ redirect }) => redirect(ELSEWHERE))
    .get("/empty", () => new Response(null, { status: 204 }))
    .get("/", ({ set }) => {
      set.headers["x-app"] = "yes";
      return "hello";
    });
  if (isBun) {
    app.listen({ port: 0, hostname: "127.0.0.1" });
    return {
      url: `http://127.0.0.1:${app.server?.port}`,
      [Symbol.asyncDispose]: async () => void await app.stop(true),
    };
  }
  return await serveFetch((request, info) => {
    const { remoteAddr } = info as { remoteAddr?: { hostname?: string } };
    peers.set(request, remoteAddr?.hostname ?? "");
    return app.fetch(request);
  });
}

/** The applications by what they are written in. */
export const APPS: Readonly<Record<AppName, App>> = {
  fetch: fetchHandler,
  node,
  middleware,
  express: (options, gate) => express("express", options, gate),
  express4: (options, gate) => express("express4", options, gate),
  fastify,
  hono,
  honoNode,
  koa: (options, gate) => koa("koa", options, gate),
  koa2: (options, gate) => koa("koa2", options, gate),
  elysia,
};
