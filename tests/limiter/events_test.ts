import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync, type LimiterEvent, RateLimitedError } from "../../mod.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { forbidUnhandledRejections } from "./_unhandled.ts";

describe("RateSync.subscribe()", () => {
  forbidUnhandledRejections();

  it("reports every decision and release of its limiter, in order", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync({
      clock,
      limiters: { api: { ratePerSecond: 1, maxConcurrent: 5 }, other: { ratePerSecond: 1 } },
    });
    const told: string[] = [];
    const listener = (event: LimiterEvent) => {
      assert.equal(event.limiter, "api");
      told.push(event.type === "decision" ? `${event.decision.allowed} after ${event.waitedMs} ms` : event.type);
    };
    rs.subscribe("api", listener);
    const permit = await rs.acquire("api");
    await rs.tryAcquire("api");
    await rs.tryAcquire("other");
    await rs.peek("api");
    await permit.release();
    await permit.release();
    const waiting = rs.acquire("api");
    await clock.advance(1_000);
    await (await waiting).release();
    await assert.rejects(rs.acquire("api", { timeoutMs: 0 }), RateLimitedError);
    assert.deepEqual(told, [
      "true after 0 ms",
      "false after 0 ms",
      "release",
      "true after 1000 ms",
      "release",
      "false after 0 ms",
    ]);
  });

  it("does not call a listener that was removed", async () => {
    await using rs = createRateSync({ limiters: { api: { ratePerSecond: 1 } } });
    let first = 0;
    let second = 0;
    const stop = rs.subscribe("api", () => first++);
    rs.subscribe("api", () => second++);
    await rs.tryAcquire("api");
    stop();
    stop();
    await rs.tryAcquire("api");
    assert.deepEqual([first, second], [1, 2]);
  });

  it("survives a listener that throws, as do other listeners", async () => {
    const errors: unknown[] = [];
    const nothing = () => {};
    await using rs = createRateSync({
      limiters: { api: { ratePerSecond: 1, maxConcurrent: 1 } },
      logger: { debug: nothing, info: nothing, warn: nothing, error: (...args) => errors.push(args) },
    });
    let heard = 0;
    rs.subscribe("api", () => {
      throw new Error("of the listener");
    });
    rs.subscribe("api", () => heard++);
    await (await rs.acquire("api")).release();
    assert.equal(heard, 2);
    assert.equal(errors.length, 2);
    assert.match(String(errors[0]), /a subscriber failed/);
  });

  it("goes on after the limiter was configured anew", async () => {
    await using rs = createRateSync<string>({ limiters: { api: { ratePerSecond: 1 } } });
    let heard = 0;
    rs.subscribe("api", () => heard++);
    rs.configureLimiter("api", { ratePerSecond: 2 });
    await rs.tryAcquire("api");
    assert.equal(heard, 1);
  });
});

describe("RateSync.metrics()", () => {
  it("counts what happened, and is a copy", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync({ clock, limiters: { api: { ratePerSecond: 1, maxConcurrent: 1 } } });
    const before = rs.metrics("api");
    const permit = await rs.acquire("api");
    await rs.tryAcquire("api");
    const waiting = rs.acquire("api");
    await clock.advance(2_000);
    await permit.release();
    await (await waiting).release();
    await assert.rejects(rs.acquire("api", { timeoutMs: 10 }), RateLimitedError);
    const metrics = rs.metrics("api");
    assert.deepEqual(metrics, {
      totalAcquisitions: 2,
      totalDenials: 2,
      denialsByReason: { rate: 1, blocked: 0, concurrency: 1, queue_full: 0, store: 0 },
      timeouts: 1,
      aborts: 0,
      waiting: 0,
      totalWaitMs: 2_000,
      avgWaitMs: 1_000,
      maxWaitMs: 2_000,
      lastAcquisitionAtMs: clock.nowUs() / 1_000,
      currentConcurrent: 0,
      peakConcurrent: 1,
      maxConcurrentReached: 2,
      queueFull: 0,
      totalReleases: 2,
      leasesLost: 0,
      storeErrors: 0,
      failures: 0,
      denyCacheHits: 0,
      tokenLeaseHits: 0,
      degradedDecisions: 0,
    });
    assert.equal(before.totalAcquisitions, 0);
    assert.ok(Object.isFrozen(metrics));
    await rs.reset("api");
    assert.equal(rs.metrics("api").totalAcquisitions, 0);
  });
});
