import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync, type LimiterOptions, type RateLimitedError, type RateSync } from "../../mod.ts";
import { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { Remote } from "./_remote.ts";

const LATENCY_US = 1_000;

/** Two processes on one store, a millisecond away. */
async function fleet(clock: FakeClock, api: LimiterOptions): Promise<[RateSync<"api">, RateSync<"api">]> {
  const store = new MemoryStore({ clock });
  const processOn = async () => {
    const main = new Remote(clock, store, () => LATENCY_US);
    const rs = createRateSync({ clock, logger: false, stores: { main }, limiters: { api } });
    await clock.runUntil(rs.connect());
    await clock.runUntil(rs.peek("api", { key: "another" }));
    return rs;
  };
  return [await processOn(), await processOn()];
}

/** How long a call has waited, in whole seconds, or why it was denied. */
async function outcomeOf(call: Promise<{ readonly waitedMs: number }>): Promise<string> {
  try {
    return `${Math.floor((await call).waitedMs / 1_000)} s`;
  } catch (error) {
    return String((error as RateLimitedError).decision.reason);
  }
}

describe("A limiter with maxWaiters", () => {
  for (
    const [name, options] of [
      ["token bucket", { ratePerSecond: 1, burst: 2 }],
      ["sliding window", { algorithm: "sliding_window", limit: 2, windowMs: 2_000 }],
    ] as const
  ) {
    it(`takes nothing of a ${name} for more calls than may wait, also of calls at the same time`, async () => {
      const clock = new FakeClock();
      const [one, other] = await fleet(clock, { ...options, maxWaiters: 1, timeoutMs: 60_000 });
      const decided: string[] = [];
      for (let i = 0; i < 20; i++) void outcomeOf(one.acquire("api")).then((outcome) => decided.push(outcome));
      const behind: string[] = [];
      void outcomeOf(other.acquire("api")).then((outcome) => behind.push(outcome));
      await clock.advance(10);
      assert.deepEqual(decided, ["0 s", "0 s", ...new Array(17).fill("queue_full")]);
      await clock.advance(2_000);
      assert.deepEqual([decided.length, behind.length], [20, 1], "no other process waits for calls that were denied");
      await Promise.all([one.close(), other.close()]);
    });
  }

  it("lets a call wait if those at the same time did not have to", async () => {
    const clock = new FakeClock();
    const [rs, other] = await fleet(clock, { ratePerSecond: 0.5, burst: 3, maxWaiters: 1, timeoutMs: 60_000 });
    const calls = Array.from({ length: 5 }, () => outcomeOf(rs.acquire("api")));
    await clock.advance(60_000);
    assert.deepEqual(await Promise.all(calls), ["0 s", "0 s", "0 s", "2 s", "queue_full"]);
    await Promise.all([rs.close(), other.close()]);
  });
});
