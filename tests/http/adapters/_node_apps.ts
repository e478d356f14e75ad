/**
 * The application on `node:http` and `node:http2`: without a framework, and in Express, Fastify and Koa.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";

import type Express from "express";
import type { FastifyInstance } from "fastify";
import type Application from "koa";

import { rateLimit as rateLimitExpress } from "@ratesync/core/http/express";
import { rateLimit as rateLimitFastify } from "@ratesync/core/http/fastify";
import { rateLimit as rateLimitKoa } from "@ratesync/core/http/koa";
import { guardHandler as guardNode, guardMiddleware } from "@ratesync/core/http/node";
import { type RunningServer, serveHttp2, serveNode } from "../_servers.ts";
import { type AnyOptions, ELSEWHERE, type Gate } from "./_app.ts";

/** What is used of a response of either protocol. */
interface AnyResponse {
  writeHead(status: number, headers?: Record<string, string>): AnyResponse;
  write(text: string): unknown;
  end(text?: string): unknown;
}

async function answer(
  request: { readonly url?: string | undefined },
  response: AnyResponse,
  gate: Gate,
): Promise<void> {
  switch (request.url?.split("?")[0]) {
    case "/refused":
      return void response.writeHead(403).end("no");
    case "/same":
      return void response.writeHead(304).end();
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

export function nodeHttp2(options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const handler = guardNode<Http2ServerRequest, Http2ServerResponse>(
    (request, response) => answer(request, response as unknown as AnyResponse, gate),
    options,
  );
  return serveHttp2((request, response) =>
    void handler(request, response).catch(() => {
      response.writeHead(500);
      response.end();
    })
  );
}

export function node(options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const handler = guardNode<IncomingMessage, ServerResponse>(
    (request, response) => answer(request, response, gate),
    options,
  );
  return serveNode((request, response) => void handler(request, response).catch(() => response.writeHead(500).end()));
}

export function middleware(options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const limit = guardMiddleware<IncomingMessage, ServerResponse>(options);
  return serveNode((request, response) => {
    limit(request, response, (error) => {
      if (error !== undefined) return void response.writeHead(500).end(String(error));
      answer(request, response, gate).catch(() => response.writeHead(500).end());
    });
  });
}

export async function express(name: "express" | "express4", options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const { default: express } = await import(name) as { default: typeof Express };
  const app = express();
  app.set("env", "test"); // prints no errors
  app.use(rateLimitExpress(options));
  app.use("/refused", (_request, response) => void response.status(403).send("no"));
  app.get("/same", (_request, response) => void response.status(304).end());
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

export async function fastify(options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const { default: newFastify } = await import("fastify");
  const app = newFastify({ forceCloseConnections: true });
  await writeFastify(app, options, gate);
  await app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = app.server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => await app.close() };
}

export async function fastifyHttp2(options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const { default: newFastify } = await import("fastify");
  const app = newFastify({ http2: true });
  const sessions = new Set<{ destroy(): void }>();
  app.server.on("session", (session) => sessions.add(session));
  await writeFastify(app as unknown as FastifyInstance, options, gate);
  await app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = app.server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      await app.close();
    },
  };
}

async function writeFastify(app: FastifyInstance, options: AnyOptions, gate: Gate): Promise<void> {
  app.addHook("onSend", (request, reply, payload, done) => {
    const fails = request.url === "/fails-after" && reply.statusCode === 200;
    if (fails) done(new Error("on purpose"));
    else done(null, request.url === "/replaced" ? "another one" : payload);
  });
  await app.register(rateLimitFastify, options);
  app.addHook("preHandler", (request, reply, done) => {
    if (request.url === "/refused") void reply.code(403).send("no");
    else done();
  });
  for (const path of ["/refused", "/replaced", "/fails-after"]) app.get(path, () => "hello");
  app.get("/same", (_request, reply) => reply.code(304).send());
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
}

async function newKoa(name: "koa" | "koa2", options: AnyOptions, gate: Gate): Promise<Application> {
  const { default: Koa } = await import(name) as { default: typeof Application };
  const app = new Koa();
  app.silent = true;
  app.use(async (context, next) => {
    await next();
    if (context.path === "/replaced") context.body = "another one";
    if (context.path === "/fails-after") throw new Error("on purpose");
  });
  app.use(rateLimitKoa(options));
  app.use(async (context, next) => context.path === "/refused" ? context.throw(403) : await next());
  app.use(async (context) => {
    switch (context.path) {
      case "/same":
        context.status = 304;
        return;
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
  return app;
}

export async function koa(name: "koa" | "koa2", options: AnyOptions, gate: Gate): Promise<RunningServer> {
  return await serveNode((await newKoa(name, options, gate)).callback());
}

export async function koaHttp2(name: "koa" | "koa2", options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const answer = (await newKoa(name, options, gate)).callback();
  return await serveHttp2((request, response) => void answer(request as never, response as never));
}
