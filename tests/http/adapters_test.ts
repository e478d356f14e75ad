import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { close, createRateSync, type LimiterOptions, type RateSync } from "@ratesync/core";
import { byHeader, failuresOnly, type GuardOptions, responseBytes } from "@ratesync/core/http";
import { guardHandler as guardFetch } from "@ratesync/core/http/fetch";
import { guardHandler as guardNode, guardMiddleware } from "@ratesync/core/http/node";
import { FakeClock } from "@ratesync/core/testing";
import { startWorker } from "../_support/processes.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { startRedis } from "../stores/redis/_servers.ts";
import { type RunningServer, serveFetch, serveNode, visit } from "./_servers.ts";

/** What the applications of these tests wait for. */
class Gate {
  open!: () => void;
  readonly opened = new Promise<void>((resolve) => void (this.open = resolve));
}

/** The same application on each adapter: says hello, sends a stream, hangs, or fails. */
type Adapter = (options: Pick<GuardOptions, "limiter"> & Partial<GuardOptions>, gate: Gate) => Promise<RunningServer>;

const fetchAdapter: Adapter = (options, gate) =>
  serveFetch(guardFetch(async (request) => {
    switch (new URL(request.url).pathname) {
      case "/stream": {
        const stream = new ReadableStream<Uint8Array>({
          async start(controller) {
            controller.enqueue(new TextEncoder().encode("part"));
            await gate.opened;
            try {
              controller.enqueue(new TextEncoder().encode(" end"));
              controller.close();
            } catch {
              // The client has left.
            }
          },
        });
        return new Response(stream);
      }
      case "/hang":
        await gate.opened;
        return new Response("late");
      case "/fails":
        return new Response("no", { status: 401 });
      case "/redirect":
        return Response.redirect("http://127.0.0.1:1/elsewhere");
      case "/empty":
        return new Response(null, { status: 204 });
      default:
        return new Response("hello", { headers: { "X-App": "yes" } });
    }
  }, options));

function nodeApp(gate: Gate): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    switch (request.url) {
      case "/stream":
        response.write("part");
        await gate.opened;
        return void response.end(" end");
      case "/hang":
        await gate.opened;
        return void response.end("late");
      case "/fails":
        return void response.writeHead(401).end("no");
      case "/redirect":
        return void response.writeHead(302, { Location: "http://127.0.0.1:1/elsewhere" }).end();
      case "/empty":
        return void response.writeHead(204).end();
      default:
        return void response.writeHead(200, { "X-App": "yes" }).end("hello");
    }
  };
}

const nodeAdapter: Adapter = (options, gate) =>
  serveNode(guardNode<IncomingMessage, ServerResponse>(nodeApp(gate), options));

const middlewareAdapter: Adapter = (options, gate) => {
  const middleware = guardMiddleware<IncomingMessage, ServerResponse>(options);
  const app = nodeApp(gate);
  return serveNode((request, response) => {
    middleware(request, response, (error) => {
      if (error === undefined) void app(request, response);
      else response.writeHead(500).end(String(error));
    });
  });
};

const ADAPTERS: readonly [name: string, adapter: Adapter][] = [
  ["a fetch handler", fetchAdapter],
  ["a handler of node:http", nodeAdapter],
  ["middleware of node:http", middlewareAdapter],
];

/** A server with limits of its own, on a clock that stands still. */
class Site implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly rs: RateSync;
  readonly gate = new Gate();
  #server: RunningServer | undefined;

  private constructor(limiter: LimiterOptions) {
    this.clock = new FakeClock();
    this.rs = createRateSync({ clock: this.clock, limiters: { api: limiter } });
  }

  static async start(adapter: Adapter, limiter: LimiterOptions, options: Partial<GuardOptions> = {}): Promise<Site> {
    const site = new Site(limiter);
    site.#server = await adapter({ limiter: "api", rateSync: site.rs, ...options }, site.gate);
    return site;
  }

  url(path = "/"): string {
    return `${this.#server?.url}${path}`;
  }

  async ask(
    path = "/",
    headers: Record<string, string> = {},
  ): Promise<{ status: number; headers: Headers; body: string }> {
    const response = await fetch(this.url(path), { headers, redirect: "manual" });
    return { status: response.status, headers: response.headers, body: await response.text() };
  }

  get inside(): number {
    return this.rs.metrics("api").currentConcurrent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.gate.open();
    await this.#server?.[Symbol.asyncDispose]();
    await this.rs.close();
  }
}

/** Waits until something is so. */
async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; !await isSo(); i++) {
    assert.ok(i < 2_000, `never: ${what}`);
    await sleep(10);
  }
}

const FIVE: LimiterOptions = { limit: 5, windowMs: 60_000, algorithm: "sliding_window" };

for (const [name, adapter] of ADAPTERS) {
  describe(`${name}, guarded`, () => {
    it("answers what has room, refuses the rest, and recovers", async () => {
      await using site = await Site.start(adapter, FIVE);
      for (let left = 4; left >= 0; left--) {
        const { status, headers, body } = await site.ask();
        assert.deepEqual([status, body, headers.get("x-app")], [200, "hello", "yes"]);
        assert.equal(headers.get("ratelimit"), `"api";r=${left};t=60`);
        assert.equal(headers.get("ratelimit-policy"), '"api";q=5;w=60');
        assert.equal(headers.get("retry-after"), null);
      }
      const { status, headers, body } = await site.ask();
      assert.equal(status, 429);
      assert.equal(headers.get("content-type"), "application/problem+json");
      assert.equal(headers.get("ratelimit"), '"api";r=0;t=60');
      assert.equal(headers.get("retry-after"), "60");
      assert.deepEqual(JSON.parse(body)["violated-policies"], ["api"]);
      await site.clock.advance(60_000);
      assert.equal((await site.ask()).status, 200);
    });

    it("knows who asks", async () => {
      await using site = await Site.start(adapter, { ...FIVE, limit: 1 });
      await site.ask();
      const { status } = await site.ask("/", { "x-forwarded-for": "203.0.113.7" });
      assert.equal(status, 200, "127.0.0.1 is a proxy");
      assert.equal((await site.rs.peek("api", { key: "ip:127.0.0.1" })).remaining, 0);
      assert.equal((await site.rs.peek("api", { key: "ip:203.0.113.7" })).remaining, 0);
    });

    it("limits by what it is told, skips what it is told, and answers as it is told", async () => {
      await using site = await Site.start(adapter, { ...FIVE, limit: 1 }, {
        key: byHeader("x-user"),
        skip: ({ path }) => path === "/empty",
        onDenied: () => ({ status: 503, body: "later" }),
      });
      assert.equal((await site.ask("/", { "x-user": "a" })).status, 200);
      assert.equal((await site.ask("/", { "x-user": "b" })).status, 200);
      const { status, body } = await site.ask("/", { "x-user": "a" });
      assert.deepEqual([status, body], [503, "later"]);
      assert.equal((await site.ask("/empty", { "x-user": "a" })).status, 204);
    });

    it("tells what is left on answers of every kind", async () => {
      await using site = await Site.start(adapter, FIVE);
      for (const [path, status] of [["/redirect", 302], ["/empty", 204], ["/fails", 401]] as const) {
        const answer = await site.ask(path);
        assert.equal(answer.status, status);
        assert.match(answer.headers.get("ratelimit") ?? "", /^"api";r=\d;t=60$/);
      }
    });

    it("holds a slot until the end of a stream", async () => {
      await using site = await Site.start(adapter, { maxConcurrent: 1 });
      const response = await fetch(site.url("/stream"));
      const reader = response.body?.getReader();
      await reader?.read();
      assert.equal((await site.ask()).status, 429);
      assert.equal(site.inside, 1);
      site.gate.open();
      while (!(await reader?.read())?.done);
      await until("the slot is free", () => site.inside === 0);
      assert.equal((await site.ask()).status, 200);
      assert.equal((await site.ask("/empty")).status, 204);
      await until("the slot is free", () => site.inside === 0);
    });

    for (const path of ["/stream", "/hang"]) {
      it(`gives the slot back when a client leaves ${path}`, async () => {
        await using site = await Site.start(adapter, { maxConcurrent: 1 });
        const visitor = visit(site.url(path));
        await until("the client is inside", () => site.inside === 1);
        if (path === "/stream") await visitor.status;
        visitor.leave();
        await until("the slot is free", () => site.inside === 0);
        assert.equal((await site.ask()).status, 200);
      });
    }

    it("lets nobody wait in place of a client that has left", async () => {
      await using site = await Site.start(adapter, { maxConcurrent: 1 }, { waitMs: 60_000 });
      const first = visit(site.url("/hang"));
      await until("the first is inside", () => site.inside === 1);
      const second = visit(site.url("/hang"));
      const third = site.ask();
      await sleep(50);
      second.leave();
      await until("the second has left", () => site.rs.metrics("api").aborts === 1);
      first.leave();
      assert.equal((await third).status, 200);
      await until("the slot is free", () => site.inside === 0);
    });

    it("counts failures only, and bytes", async () => {
      await using logins = await Site.start(adapter, { ...FIVE, limit: 2 }, { settle: failuresOnly() });
      const used = async (site: Site) => {
        const { limit, remaining } = await site.rs.peek("api", { key: "ip:127.0.0.1" });
        return limit - remaining;
      };
      for (let i = 0; i < 5; i++) {
        assert.equal((await logins.ask()).status, 200);
        await until("it is given back", async () => await used(logins) === 0);
      }
      for (const status of [401, 401, 429]) assert.equal((await logins.ask("/fails")).status, status);
      await using traffic = await Site.start(adapter, { limit: 100, windowMs: 60_000 }, { settle: responseBytes() });
      await traffic.ask();
      await until("five bytes are counted", async () => await used(traffic) === 5);
    });
  });

  describe(`${name} on a Redis that dies`, () => {
    for (const onStoreError of ["local", "throw"] as const) {
      it(`goes on with "${onStoreError}", and recovers`, async () => {
        await using redis = await startRedis();
        await using rs = createRateSync({
          stores: { main: { engine: "redis", url: redis.url, socketTimeoutMs: 1_000, socketConnectTimeoutMs: 500 } },
          limiters: { api: { limit: 1_000_000, windowMs: 60_000, onStoreError } },
        });
        const gate = new Gate();
        await using server = await adapter({ limiter: "api", rateSync: rs, logger: { warn: () => {} } }, gate);
        const seen = new Map<number, number>();
        let going = true;
        const load = Array.from({ length: 4 }, async () => {
          while (going) {
            const response = await fetch(server.url);
            await response.text();
            seen.set(response.status, (seen.get(response.status) ?? 0) + 1);
            if (response.status === 503) assert.equal(response.headers.get("retry-after"), "5");
          }
        });
        await until("it answers", () => (seen.get(200) ?? 0) >= 20);
        await redis.stop();
        const failing = onStoreError === "local" ? 200 : 503;
        const before = seen.get(failing) ?? 0;
        await until("it goes on", () => (seen.get(failing) ?? 0) >= before + 20);
        await redis.start();
        await until("it asks Redis again", async () => {
          const before = await redis.command("DBSIZE");
          return Number(before) > 0;
        });
        const recovered = seen.get(200) ?? 0;
        await until("it answers again", () => (seen.get(200) ?? 0) >= recovered + 20);
        going = false;
        await Promise.all(load);
        assert.deepEqual([...seen.keys()].filter((status) => status !== 200 && status !== failing), []);
      });
    }
  });
}

describe("two servers on one Redis", () => {
  for (const adapter of ["fetch", "node"]) {
    it(`answer exactly the limit between them: ${adapter}`, async () => {
      const args = [adapter, redisUrl(), freshPrefix()];
      await using first = startWorker("http/server_worker", args);
      await using second = startWorker("http/server_worker", args);
      const urls = [await first.readLine(), await second.readLine()];
      const statuses = await Promise.all(Array.from({ length: 120 }, async (_, i) => {
        const response = await fetch(urls[i % 2] as string);
        await response.text();
        return response.status;
      }));
      assert.equal(statuses.filter((status) => status === 200).length, 50);
      assert.equal(statuses.filter((status) => status === 429).length, 70);
    });
  }
});

describe("guardHandler() of node", () => {
  it("answers 500 where its limiter is not there", async () => {
    const { error: print } = console;
    const printed: unknown[] = [];
    console.error = (...words: unknown[]) => void printed.push(words);
    try {
      const handler = guardNode(() => assert.fail("it must not be called"), { limiter: "missing" });
      await using server = await serveNode(handler);
      assert.equal((await fetch(server.url)).status, 500);
    } finally {
      console.error = print;
      await close(); // the default instance, where it was looked for
    }
    assert.equal(printed.length, 1);
  });

  it("passes on what the handler throws, and gives the slot back", async () => {
    await using rs = createRateSync({ limiters: { api: { maxConcurrent: 1 } } });
    const failures: unknown[] = [];
    const handler = guardNode<IncomingMessage, ServerResponse>(() => Promise.reject(new Error("broken")), {
      limiter: "api",
      rateSync: rs,
    });
    await using server = await serveNode((request, response) =>
      void handler(request, response).catch((error) => {
        failures.push(error.message);
        response.writeHead(500).end();
      })
    );
    for (let i = 0; i < 3; i++) assert.equal((await fetch(server.url)).status, 500);
    assert.deepEqual(failures, ["broken", "broken", "broken"]);
  });
});

describe("guardHandler() of fetch", () => {
  it("passes on what the handler throws, and gives the slot back", async () => {
    await using rs = createRateSync({ limiters: { api: { maxConcurrent: 1 } } });
    const handler = guardFetch((): Response => {
      throw new Error("broken");
    }, { limiter: "api", rateSync: rs });
    for (let i = 0; i < 3; i++) await assert.rejects(handler(new Request("http://localhost/")), /broken/);
  });

  it("knows the peer as each platform tells it, and as it is told", async () => {
    await using rs = createRateSync({ limiters: { api: FIVE } });
    const keys: unknown[] = [];
    const options: GuardOptions = {
      limiter: "api",
      rateSync: rs,
      onDecision: (report) => keys.push(report.keys[0]),
      logger: { warn: () => {} },
    };
    const answer = () => new Response("hello");
    const asked = new Request("http://localhost/");
    const handler = guardFetch((_request: Request, ..._rest: unknown[]) => answer(), options);
    await handler(asked, { remoteAddr: { hostname: "203.0.113.1" } });
    await handler(asked, { requestIP: () => ({ address: "203.0.113.2" }) });
    await handler(asked, { remoteAddr: { transport: "unix", path: "/run/a.sock" } });
    await handler(asked, { API_TOKEN: "an environment" });
    await guardFetch((_request: Request, _info: { ip: string }) => answer(), {
      ...options,
      peer: (_request, { ip }) => ip,
    })(asked, { ip: "203.0.113.3" });
    await guardFetch(answer, { ...options, addressHeader: "x-real-ip" })(
      new Request("http://localhost/", { headers: { "x-real-ip": "203.0.113.4" } }),
    );
    assert.deepEqual(keys, [
      "ip:203.0.113.1",
      "ip:203.0.113.2",
      "unidentified",
      "unidentified",
      "ip:203.0.113.3",
      "ip:203.0.113.4",
    ]);
  });

  it("leaves alone what is no answer", async () => {
    await using rs = createRateSync({ limiters: { api: { maxConcurrent: 1 } } });
    const upgraded = guardFetch(() => undefined, { limiter: "api", rateSync: rs });
    const failed = guardFetch(() => Response.error(), { limiter: "api", rateSync: rs });
    for (let i = 0; i < 2; i++) {
      assert.equal(await upgraded(new Request("http://localhost/")), undefined);
      assert.equal((await failed(new Request("http://localhost/")))?.type, "error");
    }
  });

  it("gives the slot back when a body fails, or nobody asks for it", async () => {
    await using rs = createRateSync({ limiters: { api: { maxConcurrent: 1 } } });
    const broken = () =>
      new Response(
        new ReadableStream({
          pull(controller): void {
            controller.error(new Error("broken"));
          },
        }),
      );
    const handler = guardFetch(broken, { limiter: "api", rateSync: rs });
    const response = await handler(new Request("http://localhost/"));
    assert.equal(rs.metrics("api").currentConcurrent, 1);
    await assert.rejects(response.text(), /broken/);
    assert.equal(rs.metrics("api").currentConcurrent, 0);
    await handler(new Request("http://localhost/", { method: "HEAD" }));
    assert.equal(rs.metrics("api").currentConcurrent, 0);
  });
});
