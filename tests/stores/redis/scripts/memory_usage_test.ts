import assert from "node:assert/strict";
import { after, before, describe, it, type TestContext } from "node:test";

import { createRateSync, type LimiterOptions } from "../../../../mod.ts";
import { openRawRedis, type RawRedis } from "../../../_support/raw_redis.ts";
import { type RedisProcess, startRedis } from "../_servers.ts";

/** `rl:api:0123456789abcdefg`: the prefix, the limiter, and a key of the length of a session id. */
const NAME_LENGTH = 24;
const KEY = "0123456789abcdefg";
const HOUR_MS = 3_600_000;

let server: RedisProcess;
let raw: RawRedis;

before(async () => {
  server = await startRedis();
  raw = await openRawRedis(server.url);
});

after(async () => {
  await raw?.close();
  await server?.[Symbol.asyncDispose]();
});

/**
 * Bytes that Redis says it needs for all keys of one limiter but its register, after `calls` calls of `cost`. Done
 * again where the keys, which live for milliseconds at high rates, were gone before they were asked about.
 */
async function usage(t: TestContext, title: string, api: LimiterOptions, calls = 1, cost = 1): Promise<number> {
  for (let tried = 0; tried < 100; tried++) {
    const bytes = await usageOnce(t, title, api, calls, cost);
    if (bytes > 0) return bytes;
  }
  throw new Error(`Cannot measure ${title}: its keys are gone at once`);
}

async function usageOnce(
  t: TestContext,
  title: string,
  api: LimiterOptions,
  calls: number,
  cost: number,
): Promise<number> {
  await raw.send("FLUSHALL");
  await using rs = createRateSync({
    stores: { shared: { engine: "redis", url: server.url, keyPrefix: "rl" } },
    limiters: { api: { onStoreError: "throw", ...api } },
  });
  // Takes of one instant are one run of a sliding window: to tell what a run costs, they are made one after the other.
  const atOnce = api.algorithm === "sliding_window" ? 1 : 250;
  for (let done = 0; done < calls; done += atOnce) {
    const some = Array.from({ length: Math.min(atOnce, calls - done) }, () => rs.tryAcquire("api", { key: KEY, cost }));
    for (const decision of await Promise.all(some)) assert.ok(decision.allowed);
  }
  // The register is one for each limiter, whatever the number of keys.
  const keys = (await raw.keys("*")).filter((key) => !key.includes(":%rules:"));
  if (keys.length === 0) return 0;
  assert.ok(keys.includes(`rl:api:${KEY}`), `keys: ${keys}`);
  assert.equal(`rl:api:${KEY}`.length, NAME_LENGTH);
  const sizes = [];
  for (const key of keys) sizes.push(Number(await raw.send("MEMORY", "USAGE", key, "SAMPLES", "0")));
  if (sizes.includes(0)) return 0;
  const bytes = sizes.reduce((sum, size) => sum + size);
  t.diagnostic(`${title}: ${bytes} bytes${keys.length > 1 ? ` in ${keys.length} keys` : ""}`);
  return bytes;
}

describe("MEMORY USAGE of a token bucket", () => {
  const RATES: readonly [title: string, options: LimiterOptions, most: number][] = [
    ["100/s", { ratePerSecond: 100 }, 72],
    ["1/s, burst 1000", { ratePerSecond: 1, burst: 1_000 }, 72],
    ["0.5/s", { ratePerSecond: 0.5 }, 72],
    ["1000 an hour", { limit: 1_000, windowMs: HOUR_MS }, 72],
    ["3/s", { ratePerSecond: 3 }, 72],
    ["7/s, burst 50", { ratePerSecond: 7, burst: 50 }, 72],
    ["700001/s", { ratePerSecond: 700_001 }, 104],
    ["999983/s, burst 100000", { ratePerSecond: 999_983, burst: 100_000 }, 104],
  ];
  for (const [title, options, most] of RATES) {
    it(`of ${title} is at most ${most} bytes`, async (t) => {
      for (const calls of [1, Math.min(options.burst ?? options.limit ?? 1, 30)]) {
        const bytes = await usage(t, `token bucket, ${title}, ${calls} taken`, options, calls);
        assert.ok(bytes <= most, `${bytes} bytes`);
      }
    });
  }
});

describe("MEMORY USAGE of an exact sliding window", () => {
  /** What a window without entries would need: name, header, and the rounding up of the allocator. */
  const FIXED_BYTES = 176;
  /** Runs that a log has room for beyond those it holds, so that it need not be copied at each call. */
  const room = (entries: number) => Math.floor(entries / 64) + 5;
  /** The allocator's size classes are up to a quarter apart. */
  const most = (entries: number) => FIXED_BYTES + 8 * Math.ceil((entries + room(entries)) * 1.25);

  for (const entries of [1, 10, 100, 1_000, 1_100, 5_000]) {
    it(`that is full with ${entries} entries is about 8 bytes an entry`, async (t) => {
      const options: LimiterOptions = { algorithm: "sliding_window", limit: entries, windowMs: HOUR_MS };
      const bytes = await usage(t, `sliding window, ${entries} of ${entries}`, options, entries);
      assert.ok(bytes <= FIXED_BYTES + 8 * Math.ceil(entries * 1.25), `${bytes} bytes`);
      if (entries === 1_000) assert.ok(bytes < 10_000, `${bytes} bytes`);
    });

    it(`with ${entries} entries of a million leaves little room free`, async (t) => {
      const options: LimiterOptions = { algorithm: "sliding_window", limit: 1_000_000, windowMs: HOUR_MS };
      const bytes = await usage(t, `sliding window, ${entries} of 1000000`, options, entries);
      assert.ok(bytes <= most(entries), `${bytes} bytes, more than ${most(entries)}`);
      if (entries === 1_000) assert.ok(bytes < 10_000, `${bytes} bytes`);
    });
  }

  it("is the same for one call of many units", async (t) => {
    const options: LimiterOptions = { algorithm: "sliding_window", limit: 10_000, windowMs: HOUR_MS };
    const bytes = await usage(t, "sliding window, one call of 1000", options, 1, 1_000);
    assert.ok(bytes < 10_000, `${bytes} bytes`);
  });
});

describe("MEMORY USAGE of other limits", () => {
  const LIMITS: readonly [title: string, options: LimiterOptions, most: number][] = [
    ["two token buckets", { limits: [{ limit: 100, windowMs: HOUR_MS }, { limit: 500, windowMs: 24 * HOUR_MS }] }, 104],
    ["fixed window", { algorithm: "fixed_window", limit: 2_047, windowMs: 72 * HOUR_MS }, 72],
    ["fixed window of 2 048", { algorithm: "fixed_window", limit: 2_048, windowMs: HOUR_MS }, 104],
    ["fixed window of four days", { algorithm: "fixed_window", limit: 100, windowMs: 96 * HOUR_MS }, 104],
    ["sliding window counter", { algorithm: "sliding_window_counter", limit: 100, windowMs: HOUR_MS }, 104],
    [
      "three windows in one key",
      { limits: [1_000, 60_000, HOUR_MS].map((windowMs) => ({ algorithm: "fixed_window", limit: 50, windowMs })) },
      192,
    ],
    [
      "a token bucket, a counter and a fixed window in one key",
      {
        limits: [
          { limit: 50, windowMs: HOUR_MS },
          { algorithm: "sliding_window_counter", limit: 50, windowMs: HOUR_MS },
          { algorithm: "fixed_window", limit: 50, windowMs: HOUR_MS },
        ],
      },
      192,
    ],
  ];
  for (const [title, options, most] of LIMITS) {
    it(`of ${title} is at most ${most} bytes, however much was taken`, async (t) => {
      for (const calls of [1, 50]) {
        const bytes = await usage(t, `${title}, ${calls} taken`, options, calls);
        assert.ok(bytes <= most, `${bytes} bytes`);
      }
    });
  }
});
