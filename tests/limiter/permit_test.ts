import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync, LeaseLostError, type LimiterEvent, RateLimitedError } from "../../mod.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { openRawRedis } from "../_support/raw_redis.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { startRedis, until } from "../stores/redis/_servers.ts";
import { STORES } from "../registry/_stores.ts";
import { forbidUnhandledRejections } from "./_unhandled.ts";

for (const [engine, store] of STORES) {
  describe(`A permit on ${engine}`, () => {
    forbidUnhandledRejections();
    const open = () =>
      createRateSync({
        stores: { main: store() },
        limiters: {
          slots: { maxConcurrent: 2, leaseTtlMs: 60_000 },
          rate: { ratePerSecond: 1_000, burst: 1_000 },
          both: { ratePerSecond: 1_000, burst: 1_000, maxConcurrent: 2, leaseTtlMs: 60_000 },
        },
      });

    it("is released once, however often release() is called", async () => {
      await using rs = open();
      const [a, b] = [await rs.acquire("slots"), await rs.acquire("slots")];
      await Promise.all([a.release(), a.release(), a[Symbol.asyncDispose]()]);
      await a.release();
      const { remaining } = await rs.peek("slots");
      assert.equal(remaining, 1, "the other one still holds its slot");
      const { currentConcurrent, totalReleases } = rs.metrics("slots");
      assert.deepEqual({ currentConcurrent, totalReleases }, { currentConcurrent: 1, totalReleases: 1 });
      await b.release();
    });

    it("does not release a permit that another call holds by then", async () => {
      await using rs = open();
      const old = await rs.acquire("slots");
      await rs.reset("slots"); // the operator frees all slots
      const [a, b] = [await rs.acquire("slots"), await rs.acquire("slots")];
      await old.release();
      assert.equal((await rs.peek("slots")).remaining, 0);
      await Promise.all([a.release(), b.release()]);
      assert.equal((await rs.peek("slots")).remaining, 2);
    });

    it("is released at the end of a block, also by an exception", async () => {
      await using rs = open();
      {
        await using permit = await rs.acquire("slots");
        assert.ok(permit.decision.allowed);
        assert.equal((await rs.peek("slots")).remaining, 1);
      }
      assert.equal((await rs.peek("slots")).remaining, 2);
      const failing = async () => {
        await using _permit = await rs.acquire("both");
        throw new Error("of the block");
      };
      await assert.rejects(failing(), /of the block/);
      assert.equal((await rs.peek("both")).limits.at(-1)?.remaining, 2);
    });

    it("is released by run(), whether the call succeeds or fails", async () => {
      await using rs = open();
      assert.equal(await rs.run("slots", (permit) => permit.decision.remaining), 1);
      await assert.rejects(rs.run("slots", () => Promise.reject(new Error("of the call"))), /of the call/);
      await assert.rejects(
        rs.run("slots", () => {
          throw new Error("at once");
        }),
        /at once/,
      );
      assert.equal((await rs.peek("slots")).remaining, 2);
    });

    it("has a fencing token that only grows, and none without maxConcurrent", async () => {
      await using rs = open();
      assert.equal((await rs.acquire("rate")).fencingToken, undefined);
      let last = 0;
      for (let i = 0; i < 10; i++) {
        await using permit = await rs.acquire("both");
        assert.ok((permit.fencingToken ?? 0) > last, `${permit.fencingToken} after ${last}`);
        last = permit.fencingToken as number;
      }
    });

    it("comes with tryAcquire as well, where that allows", async () => {
      await using rs = open();
      const [a, b, c] = [await rs.tryAcquire("slots"), await rs.tryAcquire("slots"), await rs.tryAcquire("slots")];
      assert.deepEqual([a.allowed, b.allowed, c.allowed], [true, true, false]);
      assert.deepEqual([c.reason, c.permit], ["concurrency", undefined]);
      await a.permit?.release();
      assert.ok((await rs.tryAcquire("slots")).allowed);
      await b.permit?.release();
    });

    it("comes with no other decision: of peek, of a permit, of an error", async () => {
      await using rs = open();
      for (const limiter of ["rate", "slots", "both"] as const) {
        const decision = await rs.tryAcquire(limiter);
        assert.equal(decision.permit, decision.permit);
        assert.deepEqual([decision.permit?.decision, decision.permit?.waitedMs], [decision, 0]);
        assert.deepEqual([decision.permit?.decision.allowed, (await rs.peek(limiter)).permit], [true, undefined]);
        await decision.permit?.release();
        await using permit = await rs.acquire(limiter);
        assert.equal(permit.decision.permit, undefined);
        assert.equal("permit" in decision.toJSON(), false);
      }
      const both = await rs.tryAcquireAll([{ limiter: "rate" }, { limiter: "slots" }]);
      assert.ok(both.permit);
      await both.permit.release();
      await rs.block("rate", 60_000);
      const refused = await rs.acquire("rate", { timeoutMs: 0 }).catch((error) => error);
      assert.ok(refused instanceof RateLimitedError);
      assert.deepEqual([refused.decision.permit, (await rs.tryAcquire("rate")).permit], [undefined, undefined]);
    });

    it("counts as many times as its cost, if the limiter has only maxConcurrent", async () => {
      await using rs = open();
      const permit = await rs.acquire("slots", { cost: 2 });
      assert.equal((await rs.tryAcquire("slots")).allowed, false);
      await permit.release();
      assert.equal((await rs.peek("slots")).remaining, 2);
    });

    it("of several limiters is released at all of them", async () => {
      await using rs = open();
      const permit = await rs.acquireAll([{ limiter: "slots" }, { limiter: "both" }, { limiter: "rate" }]);
      assert.equal((await rs.peek("slots")).remaining, 1);
      assert.equal((await rs.peek("both")).limits.at(-1)?.remaining, 1);
      await permit.release();
      assert.equal((await rs.peek("slots")).remaining, 2);
      assert.equal((await rs.peek("both")).limits.at(-1)?.remaining, 2);
    });
  });
}

describe("Permit.lost", () => {
  forbidUnhandledRejections();

  it("is aborted when the store no longer knows the lease", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync({ clock, limiters: { slot: { maxConcurrent: 1, leaseTtlMs: 3_000 } } });
    const events: LimiterEvent["type"][] = [];
    rs.subscribe("slot", (event) => events.push(event.type));
    const permit = await rs.acquire("slot");
    await rs.reset("slot");
    assert.ok(!permit.lost.aborted);
    await clock.advance(1_000);
    assert.ok(permit.lost.aborted, "at the next renewal");
    assert.ok(permit.lost.reason instanceof LeaseLostError);
    assert.equal(permit.lost.reason.code, "LEASE_LOST");
    await permit.release();
    assert.deepEqual(events, ["decision", "lease_lost"]);
    const { leasesLost, currentConcurrent, totalReleases } = rs.metrics("slot");
    assert.deepEqual({ leasesLost, currentConcurrent, totalReleases }, {
      leasesLost: 1,
      currentConcurrent: 0,
      totalReleases: 0,
    });
  });

  it("is not aborted while the lease is renewed, however long that takes", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync({ clock, limiters: { slot: { maxConcurrent: 1, leaseTtlMs: 3_000 } } });
    const permit = await rs.acquire("slot");
    await clock.advance(3_600_000);
    assert.ok(!permit.lost.aborted);
    assert.equal((await rs.tryAcquire("slot")).allowed, false);
    await permit.release();
    assert.ok(!permit.lost.aborted);
    assert.ok((await rs.tryAcquire("slot")).allowed);
  });

  it("is not aborted by a release that comes first", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync({ clock, limiters: { slot: { maxConcurrent: 1, leaseTtlMs: 3_000 } } });
    const permit = await rs.acquire("slot");
    await rs.reset("slot");
    await permit.release();
    await clock.advance(10_000);
    assert.ok(!permit.lost.aborted);
  });
});

describe("Permit.release() during an outage", () => {
  forbidUnhandledRejections();

  it("does not reject, and the permit is free when its lease ends", async () => {
    await using server = await startRedis();
    await using rs = createRateSync({
      stores: { main: { engine: "redis", url: server.url, socketTimeoutMs: 200 } },
      limiters: { slot: { maxConcurrent: 1, leaseTtlMs: 1_000, onStoreError: "throw" } },
    });
    const permit = await rs.acquire("slot");
    server.signal("SIGSTOP");
    await permit.release();
    server.signal("SIGCONT");
    await until(async () => (await rs.peek("slot").catch(() => undefined))?.remaining === 1, 10_000);
    const other = await rs.acquire("slot");
    await server.stop();
    await other.release();
    await other[Symbol.asyncDispose]();
    assert.equal(rs.metrics("slot").currentConcurrent, 0);
  });
});

describe("A lease in Redis", () => {
  it("lasts as long as leaseTtlMs says, and its key expires after it", async () => {
    const prefix = freshPrefix();
    const raw = await openRawRedis();
    try {
      const stores = { main: { engine: "redis", url: redisUrl(), keyPrefix: prefix } } as const;
      await using rs = createRateSync({ stores, limiters: { slot: { maxConcurrent: 1, leaseTtlMs: 60_000 } } });
      await using _permit = await rs.acquire("slot");
      const ttlMs = Number(await raw.send("PTTL", `{${prefix}:slot}:leases`));
      assert.ok(ttlMs >= 59_000 && ttlMs <= 500_000, `${ttlMs} ms`);
    } finally {
      await raw.close();
    }
  });
});
