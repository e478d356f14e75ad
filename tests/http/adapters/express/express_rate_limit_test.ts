import assert from "node:assert/strict";
import { describe, it } from "node:test";

import express from "express";
import { type Options, rateLimit } from "express-rate-limit";

import { ConfigError, createRateSync, type RateSync } from "@ratesync/core";
import { type ExpressRateLimitStore, expressRateLimitStore } from "@ratesync/core/http/express-rate-limit";
import { FakeClock } from "@ratesync/core/testing";
import { type RunningServer, serveNode } from "../../_servers.ts";

/** A server with their middleware over our store, on a clock that stands still, or on the real one. */
class Site implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly rs: RateSync;
  readonly store: ExpressRateLimitStore;
  #server: RunningServer | undefined;

  private constructor(isReal: boolean) {
    this.rs = createRateSync(isReal ? {} : { clock: this.clock });
    this.store = expressRateLimitStore({ rateSync: this.rs });
  }

  static async start(options: Partial<Options>, isReal = false): Promise<Site> {
    const site = new Site(isReal);
    const app = express();
    app.use(rateLimit({ windowMs: 60_000, store: site.store, standardHeaders: "draft-6", ...options }));
    app.get("/fails", (_request, response) => void response.status(401).send("no"));
    app.use((_request, response) => void response.send("hello"));
    site.#server = await serveNode(app);
    return site;
  }

  async ask(path = "/"): Promise<{ status: number; headers: Headers }> {
    const response = await fetch(`${this.#server?.url}${path}`);
    await response.text();
    return response;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    await this.rs.close();
  }
}

/** A store on its own, told the window as express-rate-limit tells it. */
function newStore(rateSync: RateSync, windowMs = 60_000, prefix = "erl"): ExpressRateLimitStore {
  const store = expressRateLimitStore({ rateSync, prefix });
  store.init({ windowMs });
  return store;
}

describe("express-rate-limit over our store", () => {
  it("allows the limit, denies the rest, and recovers at the end of the window", async () => {
    await using site = await Site.start({ limit: 3 });
    for (let left = 2; left >= 0; left--) {
      const { status, headers } = await site.ask();
      assert.equal(status, 200);
      assert.equal(headers.get("ratelimit-remaining"), `${left}`);
    }
    await site.clock.advance(59_999);
    assert.equal((await site.ask()).status, 429);
    await site.clock.advance(1);
    assert.equal((await site.ask()).status, 200, "the window began with the first hit");
  });

  it("keeps to limits that differ by request", async () => {
    await using site = await Site.start({ limit: ({ path }) => path === "/few" ? 1 : 4 });
    const statuses = [];
    for (const path of ["/", "/few", "/", "/", "/"]) statuses.push((await site.ask(path)).status);
    assert.deepEqual(statuses, [200, 429, 200, 200, 429], "a refused hit counts, as with their own store");
  });

  it("takes back hits that are not to count", async () => {
    await using site = await Site.start({ limit: 2, skipFailedRequests: true }, true);
    for (let i = 0; i < 3; i++) {
      assert.equal((await site.ask("/fails")).status, 401);
      for (let turns = 0; await site.store.get("127.0.0.1") !== undefined; turns++) {
        assert.ok(turns < 10_000, "the hit is never taken back");
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    assert.equal((await site.ask()).status, 200);
  });
});

describe("expressRateLimitStore()", () => {
  it("counts every hit until the window ends", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync({ clock });
    const store = newStore(rs);
    assert.equal(await store.get("a"), undefined);
    const first = await store.increment("a");
    await clock.advance(1_000);
    const second = await store.increment("a");
    assert.deepEqual([first.totalHits, second.totalHits], [1, 2]);
    assert.equal(first.resetTime?.getTime(), second.resetTime?.getTime());
    assert.equal((await store.increment("b")).totalHits, 1, "others are counted apart");
    await store.decrement("a");
    assert.equal((await store.get("a"))?.totalHits, 1);
    await store.resetKey("a");
    assert.equal(await store.get("a"), undefined);
    await store.decrement("a");
    assert.equal((await store.increment("a")).totalHits, 1, "nothing is taken back that was not counted");
  });

  it("counts stores with other windows and prefixes apart, and equal ones together", async () => {
    await using rs = createRateSync();
    await newStore(rs).increment("a");
    assert.equal((await newStore(rs, 1_000).increment("a")).totalHits, 1);
    assert.equal((await newStore(rs, 60_000, "other").increment("a")).totalHits, 1);
    assert.equal((await newStore(rs).increment("a")).totalHits, 2);
  });

  it("refuses options that are misspelt, and hits before it knows the window", async () => {
    assert.throws(() => expressRateLimitStore({ prefx: "a" } as never), ConfigError);
    assert.throws(() => expressRateLimitStore({ prefix: "" }), ConfigError);
    await assert.rejects(expressRateLimitStore().increment("a"), TypeError);
  });

  for (
    const [onStoreError, expected] of [["local", [1, 2]], ["allow", [1, 1]], ["deny", [2 ** 31, 2 ** 31]]] as const
  ) {
    it(`applies "${onStoreError}" if the store cannot be reached`, async () => {
      await using rateSync = createRateSync({
        stores: { main: { engine: "redis", url: "redis://127.0.0.1:1" } }, // no server listens there
      });
      const store = expressRateLimitStore({ rateSync, onStoreError });
      store.init({ windowMs: 60_000 });
      const hits = [await store.increment("a"), await store.increment("a")];
      assert.deepEqual(hits.map(({ totalHits }) => totalHits), expected);
    });
  }

  it('leaves it to passOnStoreError with "throw"', async () => {
    await using rateSync = createRateSync({ stores: { main: { engine: "redis", url: "redis://127.0.0.1:1" } } });
    const store = expressRateLimitStore({ rateSync, onStoreError: "throw" });
    const app = express();
    app.use(rateLimit({ store, passOnStoreError: true, logger: { warn: () => {}, error: () => {} } }));
    app.use((_request, response) => void response.send("hello"));
    await using server = await serveNode(app);
    assert.equal((await fetch(server.url)).status, 200);
    await assert.rejects(store.increment("a"), { name: "StoreError" });
  });
});
