/**
 * The application where answers are `Response`s: without a framework, and in Hono and Elysia.
 *
 * @module
 */

import type { Hono } from "hono";

import { rateLimit as rateLimitElysia } from "@ratesync/core/http/elysia";
import { guardHandler as guardFetch } from "@ratesync/core/http/fetch";
import { rateLimit as rateLimitHono } from "@ratesync/core/http/hono";
import { type RunningServer, serveFetch, serveHttp2, serveNode } from "../_servers.ts";
import { type AnyOptions, ELSEWHERE, type Gate } from "./_app.ts";

/** What `Deno.serve` and `Bun.serve` do to make a socket of a request; `undefined` where the runtime's server has none. */
function upgrade(request: Request, server: unknown): Response | "upgraded" | undefined {
  const { Deno } = globalThis as { Deno?: { upgradeWebSocket(request: Request): { response: Response } } };
  if (Deno !== undefined) return Deno.upgradeWebSocket(request).response;
  const { upgrade } = (server ?? {}) as { upgrade?: (request: Request) => boolean };
  return upgrade?.call(server, request) ? "upgraded" : undefined;
}

export async function fetchHandler(options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const handler = guardFetch(async (request: Request, server: unknown) => {
    switch (new URL(request.url).pathname) {
      case "/socket": {
        const upgraded = upgrade(request, server);
        return upgraded === "upgraded"
          ? undefined as unknown as Response
          : upgraded ?? new Response("no", { status: 426 });
      }
      case "/refused":
        return new Response("no", { status: 403 });
      case "/same":
        return new Response(null, { status: 304 });
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
  return await serveFetch(async (request, info) => {
    try {
      const response = await handler(request, info);
      const { pathname } = new URL(request.url);
      if (pathname === "/fails-after") throw new Error("on purpose");
      return pathname === "/replaced" ? new Response("another one") : response;
    } catch {
      return new Response("on purpose", { status: 500 });
    }
  });
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
  app.use(async (context, next) => {
    await next();
    if (context.req.path === "/replaced") context.res = new Response("another one");
    if (context.req.path === "/fails-after") throw new Error("on purpose");
  });
  app.use(rateLimitHono(options));
  app.use(
    "/refused",
    async (context, next) => context.req.path === "/refused" ? context.text("no", 403) : await next(),
  );
  app.get("/replaced", (context) => context.text("hello"));
  app.get("/fails-after", (context) => context.text("hello"));
  app.get("/same", (context) => context.body(null, 304));
  app.get("/socket", (context) => {
    const upgraded = upgrade(context.req.raw, context.env);
    if (upgraded === "upgraded") return new Response(null);
    return upgraded ?? context.text("no", 426);
  });
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
export async function hono(options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const app = await newHono(options, gate);
  return await serveFetch((request, info) => app.fetch(request, info));
}

/** What `@hono/node-server` makes of the application. */
async function honoListener(options: AnyOptions, gate: Gate): Promise<(request: never, response: never) => unknown> {
  const { getRequestListener } = await import("@hono/node-server");
  const app = await newHono(options, gate);
  // Bun runs all files of tests in one process, where its own server takes no other Response.
  return getRequestListener(app.fetch, { overrideGlobalObjects: !("Bun" in globalThis) });
}

/** On node:http, by way of @hono/node-server. */
export async function honoNode(options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const answer = await honoListener(options, gate);
  return await serveNode((request, response) => void answer(request as never, response as never));
}

/** On node:http2, by way of @hono/node-server. */
export async function honoHttp2(options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const answer = await honoListener(options, gate);
  return await serveHttp2((request, response) => void answer(request as never, response as never));
}

export async function elysia(options: AnyOptions, gate: Gate): Promise<RunningServer> {
  const { Elysia } = await import("elysia");
  const peers = new WeakMap<Request, string>();
  const isBun = "Bun" in globalThis;
  const app = new Elysia()
    .use(rateLimitElysia(isBun ? options : { ...options, peer: (request) => peers.get(request) }))
    .onBeforeHandle(({ request, status }) =>
      new URL(request.url).pathname === "/refused" ? status(403, "no") : undefined
    )
    .get("/refused", () => "hello")
    .get("/replaced", () => new Response("hello"))
    .get("/replaced-stream", () => slowBody(gate))
    .get("/fails-after", () => "hello", {
      afterHandle() {
        throw new Error("on purpose");
      },
    })
    .get("/same", () => new Response(null, { status: 304 }))
    .mapResponse(({ request }) => {
      if (new URL(request.url).pathname.startsWith("/replaced")) return new Response("another one");
      return undefined;
    })
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
