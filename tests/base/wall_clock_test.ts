import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync, type RateSync, StoreError } from "@ratesync/core";
import { createGuard } from "@ratesync/core/http";
import { expressRateLimitStore } from "@ratesync/core/http/express-rate-limit";
import { MemoryStore } from "@ratesync/core/memory";
import { limitedFetch } from "@ratesync/core/outbound";
import type { StoreCheck } from "../../src/stores/check.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { installWallClock } from "./_wall_clock.ts";

const HOUR = 3_600_000;

/** What a wall clock can do. `counts`: whether limits take it for time that has passed. */
const EVENTS = [
  { event: "a sleep of an hour, or NTP that sets the clock forward", stepMs: HOUR, counts: true },
  { event: "NTP that sets the clock back by an hour", stepMs: -HOUR, counts: false },
  { event: "nothing", stepMs: 0, counts: false },
] as const;

const LIMITERS = {
  window: { algorithm: "fixed_window", limit: 5, windowMs: 60_000 },
  spent: { algorithm: "fixed_window", limit: 1, windowMs: 60_000 },
  pace: { ratePerSecond: 0.1, burst: 1 },
  partner: { ratePerSecond: 100, burst: 100 },
} as const;

type Id = keyof typeof LIMITERS;

class Unreachable extends MemoryStore {
  override readonly isLocal = false;
  override execute(): never {
    throw new StoreError("STORE_UNAVAILABLE", "Cannot reach the store: this is a test", {
      reason: "connection_refused",
    });
  }
  override check(): Promise<StoreCheck> {
    return Promise.reject(new Error("This is a test"));
  }
}

async function headerOf(rateSync: RateSync<Id>, dialect: "x-ratelimit" | "x-ratelimit-ms", name: string) {
  const guard = createGuard({ limiter: "window", rateSync, key: false, headers: dialect });
  const { headers } = await guard.admit({ method: "GET", url: "/", headers: {} });
  const [, value] = [...headers].find(([each]) => each.toLowerCase() === name) ?? [];
  return Number(value);
}

/** Everything that is an instant and leaves the process, made after the event: milliseconds from the wall clock's present. */
const MADE_AFTER: Readonly<Record<string, (rs: RateSync<Id>) => Promise<number>>> = {
  "X-RateLimit-Reset in seconds": async (rs) => (await headerOf(rs, "x-ratelimit", "x-ratelimit-reset")) * 1_000,
  "X-RateLimit-Reset in milliseconds": (rs) => headerOf(rs, "x-ratelimit-ms", "x-ratelimit-reset"),
  "resetAt in the body of a refusal": async (rateSync) => {
    const guard = createGuard({ limiter: "spent", rateSync, key: false, body: "error" });
    await guard.admit({ method: "GET", url: "/", headers: {} });
    const { body } = await guard.admit({ method: "GET", url: "/", headers: {} });
    return Date.parse(JSON.parse(body).resetAt);
  },
  "resetTime of the store for express-rate-limit": async (rateSync) => {
    const store = expressRateLimitStore({ rateSync });
    store.init({ windowMs: 60_000 } as never);
    return (await store.increment("a")).resetTime?.getTime() ?? NaN;
  },
  "readyAtMs of a reservation": async (rs) => (await rs.reserve("pace", { timeoutMs: 60_000 })).readyAtMs + 1,
};

/** Instants that were made before the event. */
const MADE_BEFORE: Readonly<Record<string, (rs: RateSync<Id>) => Promise<() => number | undefined>>> = {
  "readyAtMs of a reservation": async (rs) => {
    await rs.acquire("pace");
    const reservation = await rs.reserve("pace", { timeoutMs: 60_000 });
    return () => reservation.readyAtMs - 10_000;
  },
  "lastAcquisitionAtMs of metrics": async (rs) => {
    await rs.acquire("window");
    return () => rs.metrics("window").lastAcquisitionAtMs;
  },
  "downSinceMs of a store": async () => {
    const rs = createRateSync({ stores: { gone: new Unreachable() }, limiters: LIMITERS });
    await rs.tryAcquire("window");
    return () => {
      const { downSinceMs } = rs.listStores().gone ?? {};
      void rs.close();
      return downSinceMs;
    };
  },
};

for (const { event, stepMs, counts } of EVENTS) {
  describe(`After ${event}`, () => {
    for (const [value, read] of Object.entries(MADE_AFTER)) {
      it(`${value} fits the wall clock`, async () => {
        using wall = installWallClock();
        await using rs = createRateSync({ limiters: LIMITERS });
        for (let i = 0; i < 2; i++) {
          const leftMs = await read(rs) - Date.now();
          assert.ok(leftMs > -1_000 && leftMs <= 61_000, `${leftMs} ms`);
          wall.step(stepMs);
        }
      });
    }

    for (const [value, make] of Object.entries(MADE_BEFORE)) {
      it(`${value} lies as far back as time has passed`, async () => {
        using wall = installWallClock();
        await using rs = createRateSync({ limiters: LIMITERS });
        const read = await make(rs);
        wall.step(stepMs);
        const agoMs = Date.now() - (read() ?? NaN) - (counts ? stepMs : 0);
        assert.ok(agoMs > -1_000 && agoMs < 5_000, `${agoMs} ms`);
      });
    }

    it("an epoch that a server without a Date header announces is a wait from now", async () => {
      using wall = installWallClock();
      await using rs = createRateSync({ limiters: LIMITERS });
      await rs.tryAcquire("partner");
      wall.step(stepMs);
      let waitMs = NaN;
      const call = limitedFetch(() => {
        const headers = {
          "x-ratelimit-remaining": "0",
          "x-ratelimit-reset": String(Math.round(Date.now() / 1_000) + 30),
        };
        return Promise.resolve(new Response("", { status: 429, headers }));
      }, {
        rateSync: rs,
        limiter: "partner",
        maxRetries: 0,
        onThrottled: (throttled) => void (waitMs = throttled.waitMs),
      });
      await call("http://partner.example/");
      assert.ok(waitMs > 28_000 && waitMs < 32_000, `${waitMs} ms`);
    });

    it("check() compares the clock of Redis with the wall clock", async () => {
      using wall = installWallClock();
      await using rs = createRateSync({
        stores: { redis: { engine: "redis", url: redisUrl(), keyPrefix: freshPrefix() } },
        limiters: LIMITERS,
      });
      await rs.tryAcquire("window");
      wall.step(stepMs);
      const { clockOffsetMs = NaN } = await rs.check();
      assert.ok(Math.abs(clockOffsetMs + stepMs) < 5_000, `${clockOffsetMs} ms`);
    });

    it(`limits in memory ${counts ? "have recovered" : "stand where they stood"}`, async () => {
      using wall = installWallClock();
      await using rs = createRateSync({ limiters: LIMITERS });
      await rs.tryAcquire("spent");
      wall.step(stepMs);
      assert.equal((await rs.tryAcquire("spent")).allowed, counts);
    });

    it("a call that waits meanwhile is served in time, and says how long this process has waited", async () => {
      using wall = installWallClock();
      await using rs = createRateSync({ limiters: { fast: { ratePerSecond: 20, burst: 1 } } });
      await rs.acquire("fast");
      const waiting = rs.acquire("fast", { timeoutMs: 10_000 });
      wall.step(stepMs);
      const { waitedMs } = await waiting;
      assert.ok(waitedMs >= 30 && waitedMs < 5_000, `${waitedMs} ms`);
    });

    it("a wait in Redis for a slot ends at its timeout and not before", async () => {
      using wall = installWallClock();
      await using rs = createRateSync({
        stores: { redis: { engine: "redis", url: redisUrl(), keyPrefix: freshPrefix() } },
        limiters: { slot: { maxConcurrent: 1, onStoreError: "throw" } },
      });
      await using _held = await rs.acquire("slot");
      const startMs = performance.now();
      const waiting = rs.acquire("slot", { timeoutMs: 300 });
      wall.step(stepMs);
      await assert.rejects(waiting, { code: "RATE_LIMITED" });
      const tookMs = performance.now() - startMs;
      assert.ok(tookMs > 290 && tookMs < 5_000, `${tookMs} ms`);
    });
  });
}

describe("A wall clock that was not set when the process started", () => {
  it("does not advance limits when NTP sets it, and headers are right from then on", async () => {
    using wall = installWallClock(Date.now() - 1_000); // it shows 1970
    await using rs = createRateSync({ limiters: LIMITERS });
    await rs.tryAcquire("spent");
    wall.step(Date.now() + 55 * 365.25 * 24 * HOUR);
    const { allowed, retryAfterMs } = await rs.tryAcquire("spent");
    assert.equal(allowed, false);
    assert.ok(retryAfterMs <= 60_000);
    const leftMs = await headerOf(rs, "x-ratelimit-ms", "x-ratelimit-reset") - Date.now();
    assert.ok(leftMs > 0 && leftMs <= 61_000, `${leftMs} ms`);
  });

  it("advances limits once if it goes back and forth", async () => {
    using wall = installWallClock();
    await using rs = createRateSync({ limiters: LIMITERS });
    await rs.tryAcquire("spent");
    for (let i = 0; i < 10; i++) {
      wall.step(-HOUR);
      assert.equal((await rs.tryAcquire("spent")).allowed, false);
      wall.step(HOUR);
      assert.equal((await rs.tryAcquire("spent")).allowed, false);
    }
  });
});
