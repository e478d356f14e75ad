import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";

import { createRateSync, type LimiterOptions, type StoreConfig } from "../../mod.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";

/** What is 16 times as much may take 16 to this power times as long for each call. */
const STEEPEST = 0.2;

/** Times of less than this, in µs, are as good as equal: they are an `AbortController` and its error. */
const LEAST_US = 100;

const KINDS: Record<string, LimiterOptions> = {
  token_bucket: { ratePerSecond: 1 },
  fixed_window: { algorithm: "fixed_window", limit: 10, windowMs: 10_000 },
  sliding_window_counter: { algorithm: "sliding_window_counter", limit: 10, windowMs: 10_000 },
  sliding_window: { algorithm: "sliding_window", limit: 10, windowMs: 10_000 },
};

const STORES: Record<string, () => Record<string, StoreConfig>> = {
  memory: () => ({ main: { engine: "memory" } }),
  Redis: () => ({ main: { engine: "redis", url: redisUrl(), keyPrefix: freshPrefix() } }),
};

/** The µs of event loop for each of so many calls that give up their wait, the first one first. */
async function leave(stores: Record<string, StoreConfig>, options: LimiterOptions, count: number): Promise<number> {
  const limiters = {
    api: { ...options, timeoutMs: Infinity, decisionTimeoutMs: Infinity, onStoreError: "throw" },
  } as const;
  await using rs = createRateSync({ stores, limiters });
  await rs.acquire("api", { cost: rs.limiter("api").policy.capacity });
  const aborts = Array.from({ length: count }, () => new AbortController());
  const calls = aborts.map(({ signal }) => rs.acquire("api", { signal }).catch(() => {}));
  /** Resolves when everything that was asked is answered. */
  const answered = async () => {
    for (let load = rs.listStores().main?.load; load !== undefined; load = rs.listStores().main?.load) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (load.queued + load.calls === 0) return;
    }
  };
  await answered();
  const { retryAfterMs } = await rs.peek("api");
  assert.ok(retryAfterMs > 0, "they wait");
  const before = process.cpuUsage();
  for (const abort of aborts) abort.abort();
  await Promise.all(calls);
  await answered();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

describe("The time that an aborted wait takes from the event loop", () => {
  for (const [store, stores] of Object.entries(STORES)) {
    for (const [kind, options] of Object.entries(KINDS)) {
      it(`does not grow with the number of calls that wait, and is under a millisecond, in ${store} with ${kind}`, async () => {
        const times: number[] = [];
        for (const count of [250, 1_000, 4_000]) {
          const rounds = [await leave(stores(), options, count), await leave(stores(), options, count)];
          times.push(Math.min(...rounds));
        }
        const [first = 0, , last = 0] = times.map((us) => Math.max(us, LEAST_US));
        const shown = times.map((us) => us.toFixed(0)).join(", ");
        assert.ok(Math.log(last / first) / Math.log(16) <= STEEPEST, `${shown} µs a call`);
        assert.ok(Math.max(...times) < 1_000, `${shown} µs a call`);
      });
    }
  }
});

describe("The time that configureLimiter() takes", () => {
  it("does not grow with the number of limiters", () => {
    const times = [250, 4_000].map((count) => {
      const rs = createRateSync({ stores: { main: { engine: "memory" } } });
      for (let i = 0; i < count; i++) rs.configureLimiter(`of ${i}`, { ratePerSecond: 1 });
      const rounds = Array.from({ length: 3 }, (_, round) => {
        const before = process.cpuUsage();
        for (let i = 0; i < 100; i++) rs.configureLimiter(`more ${round} ${i}`, { ratePerSecond: 1 });
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 100;
      });
      return Math.max(Math.min(...rounds), LEAST_US);
    });
    const [first = 0, last = 0] = times;
    assert.ok(Math.log(last / first) / Math.log(16) <= STEEPEST, `${first}, ${last} µs a limiter`);
  });
});
