import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, it } from "node:test";

import { Elysia } from "elysia";
import type express from "express";
import Fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";

import { ConfigError, createRateSync } from "@ratesync/core";
import { byBody, byIp, failuresOnly, type GuardOptions } from "@ratesync/core/http";
import { rateLimit as rateLimitElysia } from "@ratesync/core/http/elysia";
import { rateLimit as rateLimitExpress } from "@ratesync/core/http/express";
import { type FastifyHook, rateLimit as rateLimitFastify } from "@ratesync/core/http/fastify";
import { guardHandler as guardFetch } from "@ratesync/core/http/fetch";
import { rateLimit as rateLimitHono } from "@ratesync/core/http/hono";
import { rateLimit as rateLimitKoa } from "@ratesync/core/http/koa";
import { guardHandler as guardNode } from "@ratesync/core/http/node";
import { type RunningServer, serveFetch, serveNode } from "../_servers.ts";

/** What is sent: JSON with spaces, so that a handler shows that it has got the very same bytes. */
interface Login {
  readonly email: string;
  readonly password: string;
}

/** Starts a server whose login answers 200 to the password `right` and 401 to others, and tells the size of the body. */
type Start = (options: GuardOptions) => Promise<RunningServer>;

function verdict({ password }: Login): number {
  return password === "right" ? 200 : 401;
}

async function textOf(incoming: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return new TextDecoder().decode(await new Blob(chunks as BlobPart[]).arrayBuffer());
}

function expressApp(options: GuardOptions, parserFirst: boolean, name: string): Start {
  return async () => {
    const { default: make } = await import(name) as { default: typeof express };
    const app = make();
    if (parserFirst) app.use(make.json());
    app.use(rateLimitExpress(options));
    if (!parserFirst) app.use(make.json());
    app.post("/login", (request, response) => void response.status(verdict(request.body as Login)).end());
    return await serveNode(app);
  };
}

function fastifyApp(hook: FastifyHook): Start {
  return async (options) => {
    const app = Fastify({ forceCloseConnections: true });
    await app.register(rateLimitFastify, { ...options, hook });
    app.post("/login", (request, reply) => reply.code(verdict(request.body as Login)).send(""));
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    return { url, [Symbol.asyncDispose]: async () => await app.close() };
  };
}

function koaApp(parserFirst: boolean): Start {
  return async (options) => {
    const app = new Koa();
    const parse: Koa.Middleware = async (context, next) => {
      Object.assign(context.request, { body: JSON.parse(await textOf(context.req)) });
      await next();
    };
    const limit = rateLimitKoa<Koa.Context>(options as GuardOptions<Koa.Context>);
    app.use(parserFirst ? parse : limit).use(parserFirst ? limit : parse);
    app.use((context) => {
      context.status = verdict((context.request as unknown as { body: Login }).body);
    });
    return await serveNode(app.callback());
  };
}

function honoApp(isReadBefore: boolean): Start {
  return async (options) => {
    const app = new Hono();
    if (isReadBefore) {
      app.use(async (context, next) => {
        await context.req.json();
        await next();
      });
    }
    app.use(rateLimitHono(options));
    app.post("/login", async (context) => context.body(null, verdict(await context.req.json()) as 200));
    return await serveFetch((request, info) => app.fetch(request, info));
  };
}

const SERVERS: Readonly<Record<string, Start>> = {
  "node:http": (options) => {
    const handler = guardNode<IncomingMessage, ServerResponse>(async (request, response) => {
      response.statusCode = verdict(JSON.parse(await textOf(request)));
      response.end();
    }, options);
    return serveNode((request, response) => void handler(request, response));
  },
  "fetch": (options) => {
    const handler = guardFetch(
      async (request: Request, ..._rest: unknown[]) => new Response(null, { status: verdict(await request.json()) }),
      options,
    );
    return serveFetch((request, info) => handler(request, info));
  },
  "Express 5, guard after the parser": (options) => expressApp(options, true, "express")(options),
  "Express 5, guard before the parser": (options) => expressApp(options, false, "express")(options),
  "Express 4, guard after the parser": (options) => expressApp(options, true, "express4")(options),
  "Express 4, guard before the parser": (options) => expressApp(options, false, "express4")(options),
  "Fastify, preHandler": fastifyApp("preHandler"),
  "Fastify, onRequest": fastifyApp("onRequest"),
  "Koa, guard after the parser": koaApp(true),
  "Koa, guard before the parser": koaApp(false),
  "Hono": honoApp(false),
  "Hono, where the body has been read before": honoApp(true),
  "Elysia": (options) => {
    const isBun = "Bun" in globalThis;
    const app = new Elysia()
      .use(rateLimitElysia(isBun ? options : { ...options, peer: () => "127.0.0.1" }))
      .post("/login", ({ body, status }) => status(verdict(body as Login) as 200, ""));
    if (!isBun) return serveFetch((request) => app.fetch(request));
    app.listen({ port: 0, hostname: "127.0.0.1" });
    return Promise.resolve({
      url: `http://127.0.0.1:${app.server?.port}`,
      [Symbol.asyncDispose]: async () => void await app.stop(true),
    });
  },
};

const window = { windowMs: 60_000, algorithm: "fixed_window" } as const;

/** The limits of docs/http.md: ten failures for an address, three for an account. */
async function start(server: Start) {
  const rs = createRateSync({
    limiters: { login_address: { ...window, limit: 10 }, login_account: { ...window, limit: 3 } },
  });
  const running = await server({
    rateSync: rs,
    limiter: [
      { limiter: "login_address", key: byIp() },
      { limiter: "login_account", key: byBody("email") },
    ],
    settle: failuresOnly(),
    logger: { warn: () => {} },
  });
  return {
    rs,
    async login(login: object, headers: Record<string, string> = {}): Promise<number> {
      const response = await fetch(`${running.url}/login`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(login, undefined, 2),
      });
      await response.text();
      return response.status;
    },
    async used(limiter: "login_address" | "login_account", key: string): Promise<number> {
      const { limit, remaining } = await rs.peek(limiter, { key });
      return limit - remaining;
    },
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      await rs.close();
    },
  };
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let i = 0; !await isSo(); i++) {
    assert.ok(i < 500, `never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

for (const [name, server] of Object.entries(SERVERS)) {
  describe(`A login behind ${name}`, () => {
    it("counts failures for the account in the body, however a client writes it, and leaves the body to the handler", async () => {
      await using site = await start(server);
      assert.equal(await site.login({ email: "ada@example.com", password: "right" }), 200);
      await until(
        "a success costs nothing",
        async () => await site.used("login_account", "email:ada@example.com") === 0,
      );
      for (const [i, email] of ["ada@example.com", " Ada@Example.com", "ADA@example.com "].entries()) {
        assert.equal(await site.login({ email, password: "wrong" }, { "x-account": `other-${i}` }), 401);
      }
      await until("all are counted", async () => await site.used("login_account", "email:ada@example.com") === 3);
      assert.equal(await site.login({ email: "ada@example.com", password: "right" }), 429, "the account is locked");
      assert.equal(await site.login({ email: "bob@example.com", password: "right" }), 200, "others are not");
      await until("only failures", async () => await site.used("login_address", "ip:127.0.0.1") === 3);
    });

    it("limits all requests together that name no account, or whose body is too large", async () => {
      await using site = await start(server);
      const padding = "x".repeat(20_000);
      const isParsed = /after|preHandler|before$/.test(name) && !name.includes("before the parser");
      assert.equal(await site.login({ password: "wrong" }), 401);
      assert.equal(await site.login({ email: { not: "a text" }, password: "wrong" }), 401);
      assert.equal(await site.login({ email: "ada@example.com", password: "wrong", padding }), 401);
      const together = isParsed ? 2 : 3;
      await until("they are counted", async () => await site.used("login_account", "unidentified") === together);
    });
  });
}

describe("byBody()", () => {
  it("refuses wrong options, and names them", () => {
    const bad: readonly [args: unknown[], path: string][] = [
      [[""], "byBody"],
      [[undefined], "byBody"],
      [["email", null], "byBody"],
      [["email", { format: "xml" }], "byBody.format"],
      [["email", { maxBytes: 0 }], "byBody.maxBytes"],
      [["email", { maxbytes: 5 }], "byBody.maxbytes"],
    ];
    for (const [args, path] of bad) {
      assert.throws(
        () => (byBody as (...args: unknown[]) => unknown)(...args),
        (error) => error instanceof ConfigError && error.path === path,
        path,
      );
    }
  });

  it("reads a form, and does not guess if a field occurs twice, or if the format is another one", async () => {
    const keyOf = async (body: string, format: "json" | "form") => {
      await using rs = createRateSync({ limiters: { api: { limit: 9, windowMs: 1_000 } } });
      let key: string | undefined;
      const handler = guardFetch((request: Request) => request.text().then((text) => new Response(text)), {
        limiter: "api",
        rateSync: rs,
        key: byBody("email", { format }),
        onDecision: ({ keys }) => key = keys[0],
        logger: { warn: () => {} },
      });
      const response = await handler(new Request("http://localhost/", { method: "POST", body }));
      assert.equal(await response.text(), body, "the handler gets the whole body");
      return key;
    };
    assert.equal(await keyOf("email=Ada%40example.com&x=1", "form"), "email:ada@example.com");
    assert.equal(await keyOf("email=a&email=b", "form"), "unidentified");
    assert.equal(await keyOf('{"email":"ada@example.com","x":"&email=b&"}', "json"), "email:ada@example.com");
    assert.equal(await keyOf("email=a", "json"), "unidentified");
    assert.equal(await keyOf('{"email":42}', "json"), "email:42");
    assert.equal(await keyOf('["email"]', "json"), "unidentified");
    assert.equal(await keyOf("null", "json"), "unidentified");
    assert.equal(await keyOf('{"__proto__":{"email":"a"}}', "json"), "unidentified");
    assert.equal(await keyOf("{", "json"), "unidentified");
  });
});
