import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync, type LimiterOptions, type RateSync, type StoreConfig } from "@ratesync/core";
import { limitedFetch } from "@ratesync/core/outbound";
import { freshPrefix, redisUrl } from "../_support/redis.ts";

/** V8 does not hash a string that is longer than 16 383 characters. */
const UNHASHED = 16_400;

/** Keys of one length that differ only in their last characters. */
const keyOf = (i: number, length = UNHASHED) => String(i).padStart(length, "u");

/** Pairs of keys that must not meet. */
const PAIRS = [
  [keyOf(1), keyOf(2)],
  [keyOf(1, 201), keyOf(1, 202)],
  ["k".repeat(200), "k".repeat(201)],
  ["k".repeat(201), "~".repeat(137) + "0".repeat(64)],
] as const;

const HOUR = 3_600_000;

const LIMITERS: Readonly<Record<string, LimiterOptions>> = {
  token_bucket: { limit: 2, windowMs: HOUR },
  sliding_window: { algorithm: "sliding_window", limit: 2, windowMs: HOUR },
  several: { limits: [{ limit: 2, windowMs: HOUR }, { algorithm: "fixed_window", limit: 3, windowMs: HOUR }] },
  slots: { maxConcurrent: 2 },
};

const STORES: Readonly<Record<string, () => StoreConfig>> = {
  memory: () => ({ engine: "memory" }),
  Redis: () => ({ engine: "redis", url: redisUrl(), keyPrefix: freshPrefix(), onStoreError: "throw" }),
};

for (const [place, store] of Object.entries(STORES)) {
  describe(`Keys of more than 200 characters on ${place}`, () => {
    for (const [kind, options] of Object.entries(LIMITERS)) {
      it(`have limits of their own, corrections too: ${kind}`, async () => {
        await using rs = createRateSync({ stores: { s: store() }, limiters: { api: options } });
        for (const [one, other] of PAIRS) {
          await rs.tryAcquire("api", { key: one });
          await rs.tryAcquire("api", { key: one });
          const denied = await rs.tryAcquire("api", { key: one });
          assert.deepEqual([denied.allowed, denied.key], [false, one]);
          assert.equal((await rs.tryAcquire("api", { key: one })).allowed, false);
          assert.equal((await rs.tryAcquire("api", { key: other })).remaining, 1);
          await rs.reset("api", { key: one });
          assert.equal((await rs.tryAcquire("api", { key: one })).remaining, 1);
          await rs.block("api", HOUR, { key: one });
          assert.equal((await rs.peek("api", { key: one })).reason, "blocked");
          assert.equal((await rs.peek("api", { key: other })).allowed, true);
          await rs.block("api", 0, { key: one });
          for (const key of [one, other]) await rs.reset("api", { key });
        }
      });
    }
  });
}

/** How long a round of calls with new keys takes beside one with keys that were there before, at best. */
async function slowdown(call: (key: string) => Promise<unknown>, length: number): Promise<number> {
  const ROUND = 10;
  const time = async (from: number) => {
    const startMs = performance.now();
    for (let i = 0; i < ROUND; i++) await call(keyOf(from + i, length));
    return performance.now() - startMs;
  };
  const early = Math.min(await time(0), await time(ROUND), await time(2 * ROUND));
  for (let i = 3 * ROUND; i < 800; i++) await call(keyOf(i, length));
  const late = Math.min(await time(2_000), await time(2_100), await time(2_200), await time(2_300));
  return late / early;
}

describe("Keys that a client chooses", () => {
  const api: LimiterOptions = { algorithm: "sliding_window", limit: 1, windowMs: HOUR, denyCacheMs: 60_000 };
  const uses: Readonly<Record<string, (rs: RateSync<"api">) => (key: string) => Promise<unknown>>> = {
    "tryAcquire()": (rs) => (key) => rs.tryAcquire("api", { key }),
    "limitedFetch()": (rs) => {
      let asked = "";
      const fetch = () => Promise.resolve(new Response());
      const limited = limitedFetch(fetch, { rateSync: rs, limiter: "api", key: () => asked });
      return (key) => {
        asked = key;
        return limited("http://x.test/");
      };
    },
  };
  for (const [use, call] of Object.entries(uses)) {
    it(`do not slow each other down by being equally long: ${use}`, async () => {
      await using rs = createRateSync({ limiters: { api } });
      const factor = await slowdown(call(rs), UNHASHED);
      assert.ok(factor < 4, `${factor.toFixed(1)} times as slow`);
    });
  }
});
