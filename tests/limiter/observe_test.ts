import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync, type Observer, RateLimitedError, type RateSyncOptions } from "../../mod.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";

/** Writes down all that it observes. */
class Journal implements Observer {
  /** Private, so that an observer whose methods lose their object fails. */
  readonly #lines: string[] = [];

  take(): string[] {
    return this.#lines.splice(0);
  }

  decided(...[limiter, key, { allowed, reason }, waitedMs]: Parameters<NonNullable<Observer["decided"]>>): void {
    this.#lines.push(`${limiter} ${key} ${allowed ? "allowed" : reason} ${waitedMs}`);
  }

  begun(): unknown {
    return "begun";
  }

  queued(limiter: string): void {
    this.#lines.push(`${limiter} queued`);
  }

  dequeued(...[limiter, outcome, waitedMs, begun]: Parameters<NonNullable<Observer["dequeued"]>>): void {
    this.#lines.push(`${limiter} dequeued: ${outcome} ${waitedMs} ${begun}`);
  }

  released(limiter: string, heldMs: number, isLost: boolean): void {
    this.#lines.push(`${limiter} ${isLost ? "lost" : "released"} ${heldMs}`);
  }
}

function observed(limiters: RateSyncOptions["limiters"] & object) {
  const clock = new FakeClock();
  const rs = createRateSync({ clock, limiters });
  const journal = new Journal();
  return { clock, rs, journal, stop: rs.observe(journal) };
}

describe("RateSync.observe()", () => {
  it("tells of decisions with their key, but not of peeks", async () => {
    const { rs, journal } = observed({ api: { ratePerSecond: 1 } });
    const denials: string[] = [];
    rs.observe({ denied: (limiter, key, { reason }) => denials.push(`${limiter} ${key} ${reason}`) });
    await rs.tryAcquire("api", { key: "ann" });
    await rs.tryAcquire("api", { key: "ann" });
    await rs.tryAcquire("api");
    await rs.peek("api");
    assert.deepEqual(denials, ["api ann rate"]);
    assert.deepEqual(journal.take(), ["api ann allowed 0", "api ann rate 0", "api undefined allowed 0"]);
    await rs.close();
  });

  it("tells of a call over several limiters once for each, with the key of each", async () => {
    const { rs, journal } = observed({ a: { ratePerSecond: 1 }, b: { ratePerSecond: 1 } });
    await rs.tryAcquireAll([{ limiter: "a", key: "1" }, { limiter: "b", key: "2" }]);
    assert.deepEqual(journal.take(), ["a 1 allowed 0", "b 2 allowed 0"]);
    await rs.close();
  });

  it("tells when calls begin to wait and how that ends, and metrics() counts those that wait", async () => {
    const { clock, rs, journal } = observed({ api: { ratePerSecond: 1 }, jobs: { maxConcurrent: 1 } });
    await rs.acquire("api");
    const waiting = rs.acquire("api");
    await clock.advance(400);
    assert.equal(rs.metrics("api").waiting, 1);
    const gaveUp = new AbortController();
    const aborted = rs.acquire("api", { signal: gaveUp.signal });
    await clock.advance(0);
    assert.equal(rs.metrics("api").waiting, 2);
    gaveUp.abort();
    await assert.rejects(aborted);
    await clock.advance(600);
    await waiting;
    assert.equal(rs.metrics("api").waiting, 0);
    assert.deepEqual(journal.take(), [
      "api undefined allowed 0",
      "api queued",
      "api queued",
      "api dequeued: aborted 0 begun",
      "api dequeued: allowed 1000 begun",
      "api undefined allowed 1000",
    ]);
    const permit = await rs.acquire("jobs");
    const late = assert.rejects(rs.acquire("jobs", { timeoutMs: 500 }), RateLimitedError);
    await clock.advance(500);
    await late;
    await clock.advance(250);
    await permit.release();
    assert.deepEqual(journal.take(), [
      "jobs undefined allowed 0",
      "jobs queued",
      "jobs dequeued: denied 500 begun",
      "jobs undefined concurrency 500",
      "jobs released 750",
    ]);
    await rs.close();
  });

  it("does not count a call as waiting that is denied at once", async () => {
    const { rs, journal } = observed({ api: { ratePerSecond: 1 } });
    await rs.acquire("api");
    await assert.rejects(rs.acquire("api", { timeoutMs: 10 }), RateLimitedError);
    assert.deepEqual(journal.take(), ["api undefined allowed 0", "api undefined rate 0"]);
    await rs.close();
  });

  it("tells of permits that were lost with their instance", async () => {
    const { clock, rs, journal } = observed({ jobs: { maxConcurrent: 1 } });
    await rs.acquire("jobs");
    await clock.advance(100);
    await rs.close();
    assert.deepEqual(journal.take(), ["jobs undefined allowed 0", "jobs lost 100"]);
  });

  it("tells nothing after the observer was removed, which may have been added twice", async () => {
    const { rs, journal, stop } = observed({ api: { ratePerSecond: 100, burst: 100 } });
    rs.observe(journal);
    await rs.tryAcquire("api");
    assert.equal(journal.take().length, 2);
    stop();
    stop();
    await rs.tryAcquire("api");
    assert.equal(journal.take().length, 1);
    await rs.close();
  });

  it("logs what an observer throws, and tells the others", async () => {
    const errors: unknown[] = [];
    const nothing = () => {};
    const rs = createRateSync({
      limiters: { api: { ratePerSecond: 1 } },
      logger: { debug: nothing, info: nothing, warn: nothing, error: (...data) => errors.push(data[0]) },
    });
    const journal = new Journal();
    rs.observe({
      decided() {
        throw new Error("broken");
      },
    });
    rs.observe(journal);
    assert.equal((await rs.tryAcquire("api")).allowed, true);
    assert.deepEqual(journal.take(), ["api undefined allowed 0"]);
    assert.deepEqual(errors, ["rate-sync: an observer failed"]);
    await rs.close();
  });

  it("refuses what is no object", () => {
    const rs = createRateSync();
    const given = (() => {}) as unknown as Observer;
    assert.throws(() => rs.observe(given), { name: "TypeError", message: /^Cannot observe: .* received a function$/ });
  });

  it("tells of each call to Redis, for how many requests it was, and of a store that is down", async () => {
    const stores = { shared: { engine: "redis", url: redisUrl(), keyPrefix: freshPrefix() } } as const;
    const rs = createRateSync({ stores, limiters: { api: { ratePerSecond: 1_000, burst: 1_000 } } });
    const calls: [string, number, boolean][] = [];
    rs.observe({
      storeCalled(store, requests, durationMs, isFailed) {
        assert.ok(durationMs > 0 && durationMs < 60_000);
        calls.push([store, requests, isFailed]);
      },
    });
    await rs.connect();
    await Promise.all(Array.from({ length: 10 }, (_, i) => rs.tryAcquire("api", { key: `k${i}` })));
    assert.deepEqual(calls, [["shared", 10, false]]);
    assert.equal(rs.listStores()["shared"]?.connected, true);
    await rs.resetAll();
    await rs.close();

    const away = createRateSync({
      stores: { away: { engine: "redis", url: "redis://127.0.0.1:1", onStoreError: "throw" } },
      limiters: { api: { ratePerSecond: 1 } },
      logger: false,
    });
    const events: string[] = [];
    away.observe({ storeChanged: ({ type, store }) => events.push(`${store} ${type}`) });
    await assert.rejects(away.tryAcquire("api"), { code: "STORE_UNAVAILABLE" });
    assert.deepEqual(events, ["away store_down"]);
    const { failures, storeErrors } = away.metrics("api");
    assert.deepEqual([failures, storeErrors, away.listStores()["away"]?.connected], [1, 1, false]);
    await away.close();
  });

  it("leaves out what it does not know: an instance of memory tells of no calls to a store", async () => {
    const rs = createRateSync({ limiters: { api: { ratePerSecond: 1 } } });
    rs.observe({ storeCalled: () => assert.fail("there is no call") });
    await rs.tryAcquire("api");
    assert.equal(rs.listStores()["memory"]?.connected, undefined);
    await rs.close();
  });
});

describe("LimiterMetrics", () => {
  it("counts denials by reason, and what was decided without asking the store", async () => {
    const stores = { shared: { engine: "redis", url: redisUrl(), keyPrefix: freshPrefix() } } as const;
    await using rs = createRateSync({
      stores,
      limiters: {
        api: { ratePerSecond: 0.01, denyCacheMs: 1_000 },
        // Long enough for a busy machine: a lease grows where its units were used in time.
        hot: { ratePerSecond: 100, burst: 1_000, tokenLeaseMs: 2_000 },
        jobs: { maxConcurrent: 1 },
      },
    });
    for (let i = 0; i < 5; i++) await rs.tryAcquire("api");
    await rs.block("api", 60_000);
    await rs.tryAcquire("api");
    await rs.tryAcquire("jobs");
    await rs.tryAcquire("jobs");
    const api = rs.metrics("api");
    assert.deepEqual(api.denialsByReason, { rate: 4, blocked: 1, concurrency: 0, queue_full: 0, store: 0 });
    assert.deepEqual([api.totalDenials, api.denyCacheHits], [5, 3]);
    assert.equal(rs.metrics("jobs").denialsByReason.concurrency, 1);
    for (let i = 0; i < 50; i++) await rs.tryAcquire("hot");
    const hot = rs.metrics("hot");
    assert.ok(hot.tokenLeaseHits >= 40 && hot.tokenLeaseHits < 50, `${hot.tokenLeaseHits} hits`);
    await rs.resetAll();
  });
});

describe("RateSync.configVersion", () => {
  it("rises with each change of rules or stores, once for all that change together", async () => {
    await using rs = createRateSync({ limiters: { a: { ratePerSecond: 1 }, b: { ratePerSecond: 1 } } });
    assert.equal(rs.configVersion, 1);
    rs.configureLimiter("a", { ratePerSecond: 1 });
    assert.equal(rs.configVersion, 1, "nothing has changed");
    rs.configureLimiter("a", { ratePerSecond: 2 });
    assert.equal(rs.configVersion, 2);
    await rs.configureStore("other", { engine: "memory" });
    assert.equal(rs.configVersion, 3);
    rs.configureLimiter("a", { ratePerSecond: 2, store: "other" });
    assert.equal(rs.configVersion, 4);
  });
});
