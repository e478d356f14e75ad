import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync, type Permit, type Store } from "../../mod.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { openRawRedis } from "../_support/raw_redis.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { startRedis, until } from "../stores/redis/_servers.ts";
import { forbidUnhandledRejections } from "./_unhandled.ts";

/** A reason that is no error: it must come back as it is. */
const REASON: unknown = Object.freeze({ why: "enough" });

/** Checks that a call was given up with the reason itself. */
async function assertAborted(promise: Promise<unknown>): Promise<void> {
  await promise.then(() => assert.fail("it was not aborted"), (error) => assert.equal(error, REASON));
}

/** Remembers the order in which calls are served. */
function recorder() {
  const order: string[] = [];
  return {
    order,
    async add(name: string, call: Promise<Permit>): Promise<Permit> {
      const permit = await call;
      order.push(name);
      return permit;
    },
  };
}

describe("An abort before the call", () => {
  forbidUnhandledRejections();

  it("sends no request", async () => {
    let asked = 0;
    const store = { engine: "none", execute: () => asked++, close: () => Promise.resolve() } as unknown as Store;
    await using rs = createRateSync({
      stores: { store },
      limiters: { api: { ratePerSecond: 1 }, slot: { maxConcurrent: 1 } },
    });
    const signal = AbortSignal.abort(REASON);
    for (const limiter of ["api", "slot"] as const) {
      await assertAborted(rs.acquire(limiter, { signal }));
      await assertAborted(rs.run(limiter, () => assert.fail("it ran"), { signal }));
      await assertAborted(rs.acquireAll([{ limiter }], { signal }));
      await assertAborted(rs.rateLimited(() => assert.fail("it ran"), { limiter, signal })());
    }
    await assertAborted(rs.reserve("api", { signal }));
    assert.equal(asked, 0);
    assert.equal(rs.metrics("api").totalAcquisitions, 0);
  });
});

describe("An abort while waiting for rate", () => {
  forbidUnhandledRejections();

  for (const algorithm of ["token_bucket", "sliding_window", "fixed_window"] as const) {
    it(`gives the place back with ${algorithm}: the next one moves up`, async () => {
      const clock = new FakeClock();
      await using rs = createRateSync({
        clock,
        limiters: { api: { algorithm, limit: 1, windowMs: 1_000, timeoutMs: 1e6 } },
      });
      const { order, add } = recorder();
      await rs.acquire("api");
      const abort = new AbortController();
      const first = rs.acquire("api", { signal: abort.signal });
      const second = add("second", rs.acquire("api"));
      const third = add("third", rs.acquire("api"));
      await clock.advance(500);
      abort.abort(REASON);
      await assertAborted(first);
      await clock.advance(499);
      assert.deepEqual(order, []);
      await clock.advance(1);
      assert.deepEqual(order, ["second"]);
      await clock.advance(1_000);
      assert.deepEqual(order, ["second", "third"]);
      await Promise.all([second, third]);
      assert.equal(rs.metrics("api").aborts, 1);
      const { waitMs } = await rs.reserve("api");
      assert.equal(waitMs, 1_000, "nothing of the aborted call is left");
      assert.equal(clock.pending, 0);
    });
  }

  it("gives all places back where all give up, in whatever order", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync({ clock, limiters: { api: { ratePerSecond: 1 } } });
    await rs.acquire("api");
    const aborts = Array.from({ length: 10 }, () => new AbortController());
    const calls = aborts.map(({ signal }) => rs.acquire("api", { signal }).catch((error) => error));
    await clock.advance(100);
    for (const i of [3, 0, 9, 1, 2, 8, 4, 7, 5, 6]) aborts[i]?.abort(REASON);
    assert.deepEqual(new Set(await Promise.all(calls)), new Set([REASON]));
    assert.equal((await rs.peek("api")).retryAfterMs, 900, "as if no call had waited");
    assert.equal(clock.pending, 0);
  });

  it("does nothing once the call was served", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync({ clock, limiters: { api: { ratePerSecond: 1 } } });
    const abort = new AbortController();
    await rs.acquire("api");
    const served = rs.acquire("api", { signal: abort.signal });
    await clock.advance(1_000);
    await served;
    abort.abort(REASON);
    await clock.advance(0);
    assert.equal((await rs.peek("api")).retryAfterMs, 1_000);
    assert.equal(rs.metrics("api").aborts, 0);
  });

  it("gives the place back in Redis", async () => {
    const limiters = { api: { ratePerSecond: 0.1, timeoutMs: Infinity } };
    const stores = { main: { engine: "redis", url: redisUrl(), keyPrefix: freshPrefix() } } as const;
    await using rs = createRateSync({ stores, limiters });
    await rs.acquire("api");
    const before = await rs.peek("api");
    const abort = new AbortController();
    const call = rs.acquire("api", { signal: abort.signal });
    await until(async () => (await rs.peek("api")).retryAfterMs > 10_000);
    abort.abort(REASON);
    await assertAborted(call);
    await until(async () => (await rs.peek("api")).retryAfterMs <= before.retryAfterMs);
  });
});

describe("An abort while queued for a slot", () => {
  forbidUnhandledRejections();

  it("gives the place back: the next one is served in order", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync({ clock, limiters: { slot: { maxConcurrent: 1, timeoutMs: 1e6 } } });
    const { order, add } = recorder();
    const holder = await rs.acquire("slot");
    const abort = new AbortController();
    const first = rs.acquire("slot", { signal: abort.signal });
    const second = add("second", rs.acquire("slot"));
    await clock.advance(10);
    abort.abort(REASON);
    await assertAborted(first);
    assert.deepEqual(order, []);
    await holder.release();
    await (await second).release();
    assert.equal((await rs.peek("slot")).remaining, 1);
    assert.equal(rs.metrics("slot").currentConcurrent, 0);
    assert.equal(rs.metrics("slot").aborts, 1);
  });

  it("keeps nothing of a grant that comes at the same moment", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync({ clock, limiters: { slot: { maxConcurrent: 1, timeoutMs: 1e6 } } });
    for (let i = 0; i < 20; i++) {
      const holder = await rs.acquire("slot");
      const abort = new AbortController();
      const call = rs.acquire("slot", { signal: abort.signal });
      await clock.advance(1);
      const released = holder.release();
      for (let turns = 0; turns < i; turns++) await Promise.resolve();
      abort.abort(REASON);
      const outcome = await call.catch((error) => assert.equal(error, REASON));
      await outcome?.release();
      await released;
      await clock.advance(1);
      assert.equal((await rs.peek("slot")).remaining, 1, `after ${i} turns`);
    }
  });

  it("leaves the queue in Redis", async () => {
    const prefix = freshPrefix();
    const stores = { main: { engine: "redis", url: redisUrl(), keyPrefix: prefix } } as const;
    await using rs = createRateSync({
      stores,
      limiters: { slot: { maxConcurrent: 1, leaseTtlMs: 60_000, timeoutMs: Infinity } },
    });
    const raw = await openRawRedis();
    try {
      const waiters = () => raw.send("ZCARD", `{${prefix}:slot}:waiters`);
      const holder = await rs.acquire("slot");
      const aborts = Array.from({ length: 5 }, () => new AbortController());
      const calls = aborts.map(({ signal }) => rs.acquire("slot", { signal }));
      const last = rs.acquire("slot");
      await until(async () => await waiters() === 6);
      for (const abort of aborts) abort.abort(REASON);
      for (const call of calls) await assertAborted(call);
      await until(async () => await waiters() === 1);
      await holder.release();
      await (await last).release();
    } finally {
      await raw.close();
    }
  });
});

describe("An abort while the store decides", () => {
  forbidUnhandledRejections();

  it("does not wait for a Redis that hangs, and gives back what Redis grants later", async () => {
    await using server = await startRedis();
    await using rs = createRateSync({
      stores: { main: { engine: "redis", url: server.url, socketTimeoutMs: 30_000 } },
      limiters: {
        api: { limit: 1, windowMs: 3_600_000, onStoreError: "throw" },
        slot: { maxConcurrent: 1, leaseTtlMs: 60_000, onStoreError: "throw" },
      },
    });
    await (await rs.acquire("slot", { key: "before" })).release();
    server.signal("SIGSTOP");
    try {
      const startMs = performance.now();
      const abort = new AbortController();
      const calls = [rs.acquire("api", { signal: abort.signal }), rs.acquire("slot", { signal: abort.signal })];
      setTimeout(() => abort.abort(REASON), 50);
      for (const call of calls) await assertAborted(call);
      assert.ok(performance.now() - startMs < 20_000);
    } finally {
      server.signal("SIGCONT");
    }
    await until(async () => (await rs.peek("api")).remaining === 1);
    await until(async () => (await rs.peek("slot")).remaining === 1);
  });
});
