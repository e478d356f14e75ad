import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";

import { createRateSync, type RateSync } from "../../src/registry/rate_sync.ts";
import type { StoreConfig } from "../../src/registry/engines.ts";
import { openRawRedis } from "../_support/raw_redis.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";

const limiters = {
  ten: { ratePerSecond: 10 },
  thousand: { ratePerSecond: 1_000 },
  twenty: { ratePerSecond: 20 },
  slow: { ratePerSecond: 0.5 },
  slot: { maxConcurrent: 1 },
} as const;

/** How long something takes for real, in milliseconds. */
async function elapsed(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

/** The few claims that virtual time cannot show: that time passes. */
function claims(open: () => StoreConfig): void {
  let rs: RateSync<keyof typeof limiters>;
  beforeEach(async () => {
    rs = createRateSync({ stores: { s: open() }, limiters });
    await rs.connect();
  });
  afterEach(() => rs.close());

  it("makes the second unit at 10/s wait, by the clock on the wall", async () => {
    const ms = await elapsed(async () => {
      await rs.acquire("ten");
      await rs.acquire("ten");
    });
    assert.ok(ms >= 80 && ms < 1_000, `${ms} ms`);
  });

  it("serves 10 calls at 1000/s in less than half a second", async () => {
    const ms = await elapsed(async () => {
      for (let i = 0; i < 10; i++) await rs.acquire("thousand");
    });
    assert.ok(ms >= 8 && ms < 500, `${ms} ms`);
  });

  it("waits for a permit until the holder releases it, and gets it at once", async () => {
    const holder = await rs.acquire("slot");
    const ms = await elapsed(() => {
      setTimeout(() => void holder.release(), 200);
      return rs.acquire("slot");
    });
    assert.ok(ms >= 150 && ms < 1_000, `${ms} ms`);
  });

  it("serves 40 waiters at 20/s in order, in about two seconds", async () => {
    const order: number[] = [];
    const ms = await elapsed(() =>
      Promise.all(Array.from({ length: 40 }, (_, i) => rs.acquire("twenty").then(() => order.push(i))))
    );
    assert.deepEqual(order, Array.from({ length: 40 }, (_, i) => i));
    assert.ok(ms >= 1_900 && ms < 4_000, `${ms} ms`);
  });

  it("fails for a deadline it cannot meet without sleeping until it", async () => {
    await rs.acquire("slow");
    const ms = await elapsed(() => assert.rejects(rs.acquire("slow", { timeoutMs: 1_500 }), { code: "RATE_LIMITED" }));
    assert.ok(ms < 1_000, `${ms} ms`);
  });
}

describe("acquire() in real time, on the memory store", () => {
  claims(() => ({ engine: "memory" }));
});

describe("acquire() in real time, on Redis", () => {
  const prefixes: string[] = [];
  let raw: Awaited<ReturnType<typeof openRawRedis>>;
  before(async () => {
    raw = await openRawRedis();
  });
  after(async () => {
    const left = (await Promise.all(prefixes.map((prefix) => raw.keys(`*${prefix}*`)))).flat();
    if (left.length > 0) await raw.send("UNLINK", ...left);
    await raw.close();
  });

  claims(() => {
    const keyPrefix = freshPrefix();
    prefixes.push(keyPrefix);
    return { engine: "redis", url: redisUrl(), keyPrefix };
  });
});
