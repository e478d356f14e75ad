import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";

import { ClosedError, createRateSync, type Permit, type RateSync } from "../../mod.ts";
import { openRawRedis } from "../_support/raw_redis.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { until } from "../stores/redis/_servers.ts";
import { assertFails } from "./_errors.ts";
import { STORES } from "./_stores.ts";

const LIMITERS = {
  paced: { ratePerSecond: 0.01, timeoutMs: Infinity },
  slot: { maxConcurrent: 1, timeoutMs: Infinity },
  both: { ratePerSecond: 0.01, maxConcurrent: 1, timeoutMs: Infinity },
  other: { maxConcurrent: 1, timeoutMs: Infinity },
} as const;

/** Every call that an instance takes. */
const CALLS: readonly [name: string, call: (rs: RateSync) => unknown][] = [
  ["acquire", (rs) => rs.acquire("paced")],
  ["tryAcquire", (rs) => rs.tryAcquire("paced")],
  ["peek", (rs) => rs.peek("paced")],
  ["reserve", (rs) => rs.reserve("paced")],
  ["acquireAll", (rs) => rs.acquireAll([{ limiter: "paced" }, { limiter: "slot" }])],
  ["tryAcquireAll", (rs) => rs.tryAcquireAll([{ limiter: "paced" }])],
  ["run", (rs) => rs.run("paced", () => assert.fail("it ran"))],
  ["rateLimited", (rs) => rs.rateLimited(() => assert.fail("it ran"), { limiter: "paced" })()],
  ["reset", (rs) => rs.reset("paced")],
  ["refund", (rs) => rs.refund("paced", 1)],
  ["penalize", (rs) => rs.penalize("paced", 1)],
  ["block", (rs) => rs.block("paced", 1)],
  ["limiter", (rs) => rs.limiter("paced")],
  ["metrics", (rs) => rs.metrics("paced")],
  ["subscribe", (rs) => rs.subscribe("paced", () => {})],
  ["connect", (rs) => rs.connect()],
  ["resetAll", (rs) => rs.resetAll()],
  ["configureStore", (rs) => rs.configureStore("late", { engine: "memory" })],
  ["configureLimiter", (rs) => rs.configureLimiter("late", { ratePerSecond: 1 })],
];

const CLOSED = { type: ClosedError, code: "CLOSED", says: ["it is closed"] } as const;

/** Runs something, and returns the unhandled rejections of that time. */
async function unhandledDuring(act: () => Promise<unknown>): Promise<unknown[]> {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", listener);
  try {
    await act();
    await new Promise((resolve) => setTimeout(resolve, 20));
  } finally {
    process.off("unhandledRejection", listener);
  }
  return unhandled;
}

for (const [engine, store] of STORES) {
  describe(`RateSync.close() on ${engine}`, () => {
    const open = () => createRateSync<string>({ stores: { main: store() }, limiters: LIMITERS });

    for (const used of [true, false]) {
      it(`makes every call fail, ${used ? "after use" : "before any use"}`, async () => {
        const rs = open();
        const held = rs.limiter("paced");
        if (used) await held.tryAcquire();
        await rs.close();
        for (const [name, call] of CALLS) {
          await assertFails(() => call(rs), CLOSED).catch((error) => assert.fail(`${name}: ${error}`));
        }
        for (const call of [held.acquire(), held.tryAcquire(), held.peek(), held.for("k").reset(), held.block(1)]) {
          await assertFails(() => call, CLOSED);
        }
      });
    }

    it("can be called twice, and at once", async () => {
      const rs = open();
      await rs.tryAcquire("paced");
      await Promise.all([rs.close(), rs.close()]);
      await rs[Symbol.asyncDispose]();
      assert.equal(rs.listStores()["main"]?.open, false);
    });

    it("rejects all calls that wait, and leaves no rejection unhandled", async () => {
      const unhandled = await unhandledDuring(async () => {
        const rs = open();
        for (const id of ["paced", "slot", "both", "other"]) await rs.acquire(id);
        const waiting: Promise<Permit>[] = [];
        for (let i = 0; i < 5; i++) {
          for (const id of ["paced", "slot", "both"]) waiting.push(rs.acquire(id));
          waiting.push(
            rs.acquireAll([{ limiter: "slot" }, { limiter: "other" }], { signal: new AbortController().signal }),
          );
          waiting.push(rs.acquire("paced", { signal: new AbortController().signal }));
        }
        const outcomes = Promise.allSettled(waiting);
        if (engine === "Redis") await new Promise((resolve) => setTimeout(resolve, 100));
        await rs.close();
        for (const outcome of await outcomes) {
          assert.equal(outcome.status, "rejected");
          if (outcome.status === "rejected") await assertFails(() => Promise.reject(outcome.reason), CLOSED);
        }
      });
      assert.deepEqual(unhandled, []);
    });

    it("lets permits be released, and aborts permit.lost of their holders", async () => {
      const rs = open();
      const permit = await rs.acquire("slot");
      const released = await rs.acquire("other");
      await released.release();
      await rs.close();
      assert.ok(permit.lost.aborted);
      assert.ok(!released.lost.aborted);
      await permit.release();
      await permit[Symbol.asyncDispose]();
    });
  });
}

describe("RateSync.close() with waiters in Redis", () => {
  const limiters = {
    paced: { ratePerSecond: 0.01, timeoutMs: Infinity },
    slot: { maxConcurrent: 1, leaseTtlMs: 60_000, timeoutMs: Infinity },
  };

  it("gives back the rate that they had", async () => {
    const prefix = freshPrefix();
    const stores = { main: { engine: "redis", url: redisUrl(), keyPrefix: prefix } } as const;
    await using other = createRateSync({ stores, limiters });
    const raw = await openRawRedis();
    try {
      const rs = createRateSync({ stores, limiters });
      await other.acquire("paced");
      // Fourteen digits: the two in front tell how long the key lives.
      const bucket = async () => /^\d\d(\d{14})/.exec(String(await raw.send("GET", `${prefix}:paced`)))?.[1];
      const before = await bucket();
      const outcomes = Promise.allSettled(Array.from({ length: 5 }, () => rs.acquire("paced")));
      await until(async () => Number(await bucket()) >= Number(before) + 500e6);
      await rs.close();
      await outcomes;
      assert.equal(await bucket(), before, "not all of the rate was given back");
    } finally {
      await raw.close();
    }
  });

  it("gives back the places that they had", async () => {
    const prefix = freshPrefix();
    const stores = { main: { engine: "redis", url: redisUrl(), keyPrefix: prefix } } as const;
    await using other = createRateSync({ stores, limiters });
    const raw = await openRawRedis();
    try {
      const rs = createRateSync({ stores, limiters });
      await using _permit = await other.acquire("slot");
      const outcomes = Promise.allSettled(Array.from({ length: 5 }, () => rs.acquire("slot")));
      await until(async () => await raw.send("ZCARD", `{${prefix}:slot}:waiters`) === 5);
      await rs.close();
      await outcomes;
      assert.equal(await raw.send("ZCARD", `{${prefix}:slot}:waiters`), 0);
    } finally {
      await raw.close();
    }
  });
});
