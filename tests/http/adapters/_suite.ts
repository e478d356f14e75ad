/**
 * What holds for a server that is guarded, whatever it is written in: tried over real connections.
 *
 * @module
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type LimiterOptions, type RateSync, type RateSyncOptions } from "@ratesync/core";
import { byHeader, failuresOnly, type GuardOptions, responseBytes } from "@ratesync/core/http";
import type { Store } from "@ratesync/core/memory";
import { FakeClock } from "@ratesync/core/testing";
import { startRedis } from "../../stores/redis/_servers.ts";
import { type RunningServer, visit } from "../_servers.ts";
import { type App, Gate } from "./_apps.ts";

/** A server with limits of its own, on a clock that stands still. */
export class Site implements AsyncDisposable {
  /** The clock. */
  readonly clock: FakeClock = new FakeClock();
  /** The limits. */
  readonly rs: RateSync;
  /** What streams wait for. */
  readonly gate: Gate = new Gate();
  #server: RunningServer | undefined;

  private constructor(limiter: LimiterOptions, isReal: boolean, store: Store | undefined) {
    const options: RateSyncOptions<"api"> = {
      limiters: { api: limiter },
      ...(store === undefined ? {} : { stores: { main: store } }),
    };
    this.rs = createRateSync(isReal ? options : { ...options, clock: this.clock });
  }

  /** Starts one. */
  static async start(
    app: App,
    limiter: LimiterOptions,
    options: Partial<GuardOptions> = {},
    { isReal = false, store }: { readonly isReal?: boolean; readonly store?: Store } = {},
  ): Promise<Site> {
    const site = new Site(limiter, isReal, store);
    site.#server = await app({ limiter: "api", rateSync: site.rs, ...options }, site.gate);
    return site;
  }

  /** Where a page is. */
  url(path = "/"): string {
    return `${this.#server?.url}${path}`;
  }

  /** Asks for a page. */
  async ask(
    path = "/",
    headers: Record<string, string> = {},
  ): Promise<{ status: number; headers: Headers; body: string }> {
    const response = await fetch(this.url(path), { headers, redirect: "manual" });
    return { status: response.status, headers: response.headers, body: await response.text() };
  }

  /** How many requests hold a slot. */
  get inside(): number {
    return this.rs.metrics("api").currentConcurrent;
  }

  /** Units that this machine has used up. */
  async used(): Promise<number> {
    const { limit, remaining } = await this.rs.peek("api", { key: "ip:127.0.0.1" });
    return limit - remaining;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.gate.open();
    await this.#server?.[Symbol.asyncDispose]();
    await this.rs.close();
  }
}

/** Waits until something is so. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; !await isSo(); i++) {
    assert.ok(i < 500, `never: ${what}`);
    await sleep(10);
  }
}

const FIVE: LimiterOptions = { limit: 5, windowMs: 60_000, algorithm: "sliding_window" };

/** What an application does in its own way. */
export interface SuiteOptions {
  /** Whether the framework takes all headers off when a handler throws. @default {false} */
  readonly forgetsHeadersOnError?: boolean;
}

/** Registers the tests of an application. */
export function testApp(name: string, app: App, { forgetsHeadersOnError = false }: SuiteOptions = {}): void {
  describe(`${name}, guarded`, () => {
    it("allows requests within the limit, denies the rest, and recovers", async () => {
      await using site = await Site.start(app, FIVE);
      for (let left = 4; left >= 0; left--) {
        const { status, headers, body } = await site.ask();
        assert.deepEqual([status, body, headers.get("x-app")], [200, "hello", "yes"]);
        assert.equal(headers.get("ratelimit"), `"api";r=${left};t=60`);
        assert.equal(headers.get("ratelimit-policy"), '"api";q=5;w=60');
        assert.equal(headers.get("retry-after"), null);
      }
      const { status, headers, body } = await site.ask();
      assert.equal(status, 429);
      assert.match(headers.get("content-type") ?? "", /^application\/problem\+json\b/);
      assert.equal(headers.get("ratelimit"), '"api";r=0;t=60');
      assert.equal(headers.get("ratelimit-policy"), '"api";q=5;w=60');
      assert.equal(headers.get("retry-after"), "60");
      const problem = JSON.parse(body);
      assert.deepEqual([problem.status, problem["violated-policies"]], [429, ["api"]]);
      await site.clock.advance(60_000);
      assert.equal((await site.ask()).status, 200);
    });

    it("recovers on a real clock", async () => {
      await using site = await Site.start(app, { ...FIVE, limit: 1, windowMs: 400 }, {}, { isReal: true });
      assert.equal((await site.ask()).status, 200);
      await until("it refuses", async () => (await site.ask()).status === 429);
      await until("it answers again", async () => (await site.ask()).status === 200);
    });

    it("identifies the client, and sees the whole path", async () => {
      const seen: string[] = [];
      await using site = await Site.start(app, { ...FIVE, limit: 1 }, {
        onDecision: ({ request }) => void seen.push(request.method, request.path),
      });
      assert.equal((await site.ask("/fails?x=1")).status, 401);
      assert.equal((await site.ask("/", { "x-forwarded-for": "203.0.113.7" })).status, 200, "this machine is a proxy");
      assert.equal((await site.rs.peek("api", { key: "ip:127.0.0.1" })).remaining, 0);
      assert.equal((await site.rs.peek("api", { key: "ip:203.0.113.7" })).remaining, 0);
      assert.deepEqual(seen, ["GET", "/fails", "GET", "/"]);
    });

    it("limits by the given key, skips as configured, and answers as configured", async () => {
      await using site = await Site.start(app, { ...FIVE, limit: 1 }, {
        key: byHeader("x-user"),
        skip: ({ path }) => path === "/empty",
        onDenied: () => ({ status: 503, body: "later", headers: { "X-Why": "busy" } }),
      });
      assert.equal((await site.ask("/", { "x-user": "a" })).status, 200);
      assert.equal((await site.ask("/", { "x-user": "b" })).status, 200);
      const { status, body, headers } = await site.ask("/", { "x-user": "a" });
      assert.deepEqual([status, body, headers.get("x-why")], [503, "later", "busy"]);
      for (let i = 0; i < 3; i++) assert.equal((await site.ask("/empty", { "x-user": "a" })).status, 204);
    });

    it("sets RateLimit headers on answers of every kind", async () => {
      await using site = await Site.start(app, FIVE);
      const kinds = [["/redirect", 302], ["/empty", 204], ["/fails", 401], ["/throws", 500]] as const;
      for (const [path, status] of kinds) {
        const answer = await site.ask(path);
        assert.equal(answer.status, status, path);
        const told = answer.headers.get("ratelimit");
        if (path === "/throws" && forgetsHeadersOnError) assert.equal(told, null);
        else assert.match(told ?? "", /^"api";r=\d;t=60$/, path);
      }
    });

    it("holds a permit until the end of a stream", async () => {
      await using site = await Site.start(app, { maxConcurrent: 1 });
      const response = await fetch(site.url("/stream"));
      const reader = response.body?.getReader();
      const decoder = new TextDecoder();
      assert.equal(decoder.decode((await reader?.read())?.value), "part");
      assert.equal((await site.ask()).status, 429);
      assert.equal(site.inside, 1);
      site.gate.open();
      let rest = "";
      for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
        rest += decoder.decode(part.value);
      }
      assert.equal(rest, " end");
      await until("the slot is free", () => site.inside === 0);
      assert.equal((await site.ask()).status, 200);
    });

    it("stops waiting for a client that has left", async () => {
      await using site = await Site.start(app, { maxConcurrent: 1 }, { waitMs: 60_000 });
      const first = visit(site.url("/hang"));
      await until("the first is inside", () => site.inside === 1);
      const second = visit(site.url("/hang"));
      await until("the second waits", () => site.rs.metrics("api").maxConcurrentReached === 1);
      const third = site.ask();
      await until("the third waits", () => site.rs.metrics("api").maxConcurrentReached === 2);
      second.leave();
      await until("the second has left", () => site.rs.metrics("api").aborts === 1);
      first.leave();
      assert.equal((await third).status, 200);
      await until("the slot is free", () => site.inside === 0);
    });

    it("counts failures only", async () => {
      await using site = await Site.start(app, { ...FIVE, limit: 2 }, { settle: failuresOnly() });
      for (let i = 0; i < 5; i++) {
        assert.equal((await site.ask()).status, 200);
        await until("it is given back", async () => await site.used() === 0);
      }
      for (const status of [401, 401, 429]) assert.equal((await site.ask("/fails")).status, status);
    });

    it("denies no request and sets no headers in a dry run", async () => {
      const refused: unknown[] = [];
      await using site = await Site.start(app, { ...FIVE, limit: 1 }, {
        dryRun: true,
        onDecision: ({ reason }) => void refused.push(reason),
      });
      for (let i = 0; i < 2; i++) {
        const { status, headers } = await site.ask();
        assert.deepEqual([status, headers.get("ratelimit")], [200, null]);
      }
      assert.deepEqual(refused, [undefined, "rate"]);
    });

    for (const onStoreError of ["local", "throw"] as const) {
      it(`goes on with "${onStoreError}" when Redis dies, and recovers`, async () => {
        await using redis = await startRedis();
        await using rs = createRateSync({
          stores: { main: { engine: "redis", url: redis.url, socketTimeoutMs: 1_000, socketConnectTimeoutMs: 500 } },
          limiters: { api: { limit: 1_000_000, windowMs: 60_000, onStoreError } },
        });
        const options = { limiter: "api", rateSync: rs, logger: { warn: () => {} } };
        await using server = await app(options, new Gate());
        const seen = new Map<number, number>();
        const times = (status: number) => seen.get(status) ?? 0;
        let going = true;
        const load = Array.from({ length: 4 }, async () => {
          while (going) {
            const response = await fetch(server.url);
            await response.text();
            seen.set(response.status, times(response.status) + 1);
            if (response.status === 503) assert.equal(response.headers.get("retry-after"), "5");
          }
        });
        await until("it answers", () => times(200) >= 20);
        await redis.stop();
        const failing = onStoreError === "local" ? 200 : 503;
        const before = times(failing);
        await until("it goes on", () => times(failing) >= before + 20);
        await redis.start();
        await until("it asks Redis again", async () => Number(await redis.command("DBSIZE")) > 0);
        const recovered = times(200);
        await until("it answers again", () => times(200) >= recovered + 20);
        going = false;
        await Promise.all(load);
        assert.deepEqual([...seen.keys()].filter((status) => status !== 200 && status !== failing), []);
      });
    }
  });
}

/** Registers a test of what bytes are counted, where the framework's answers tell. */
export function testBytes(name: string, app: App): void {
  describe(`${name}, guarded`, () => {
    it("counts bytes", async () => {
      await using site = await Site.start(app, { limit: 100, windowMs: 60_000 }, { settle: responseBytes() });
      await site.ask();
      await until("five bytes are counted", async () => await site.used() === 5);
    });
  });
}
