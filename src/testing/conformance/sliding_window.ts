/**
 * Sliding window: at most `limit` in any window, wherever it is laid.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { Topic } from "./bench.ts";
import { admitted } from "./load.ts";

const fivePerSecond = { algorithm: "sliding_window", limit: 5, windowMs: 1_000 } as const;

/** Cases on sliding windows. */
export const slidingWindow: Topic = {
  topic: "sliding window",
  cases: [
    {
      name: "admits exactly `limit` in a window, and tells the exact wait for the next",
      covers: ["5.3.1", "5.11.redis", "law.1"],
      async run(bench) {
        const limiter = bench.limiter(fivePerSecond);
        for (let i = 0; i < 5; i++) assert.equal((await limiter.tryAcquire()).allowed, true);
        const sixth = await limiter.tryAcquire();
        assert.equal(sixth.allowed, false);
        assert.equal(sixth.reason, "rate");
        assert.equal(sixth.retryAfterMs, 1_000);
      },
    },
    {
      name: "admits `limit` again exactly when the window has passed",
      covers: ["5.3.2", "law.3"],
      async run(bench) {
        const limiter = bench.limiter(fivePerSecond);
        await admitted([limiter], 5);
        await bench.clock.advance(999.999);
        assert.equal(await admitted([limiter], 5), 0);
        await bench.clock.advance(0.001);
        assert.equal(await admitted([limiter], 9), 5);
      },
    },
    {
      name: "slides: what was taken falls free one window after it was taken, and not before",
      covers: ["law.1"],
      async run(bench) {
        const limiter = bench.limiter(fivePerSecond);
        assert.equal(await admitted([limiter], 3), 3);
        await bench.clock.advance(600);
        assert.equal(await admitted([limiter], 9), 2);
        await bench.clock.advance(400);
        assert.equal(await admitted([limiter], 9), 3);
        await bench.clock.advance(599.999);
        assert.equal(await admitted([limiter], 9), 0);
        await bench.clock.advance(0.001);
        assert.equal(await admitted([limiter], 9), 2);
      },
    },
    {
      name: "lets acquire wait exactly until the oldest unit leaves the window",
      covers: ["5.3.3"],
      async run(bench) {
        const limiter = bench.limiter(fivePerSecond);
        await admitted([limiter], 5);
        await bench.clock.advance(150);
        const sixth = bench.watch(limiter.acquire());
        await bench.clock.advance(849.999);
        assert.equal(sixth.pending, true);
        await bench.clock.advance(0.001);
        assert.equal(sixth.result.waitedMs, 850);
      },
    },
    {
      name: "lets acquire wait 1 s of its 1.5 s, and fail at once with less",
      covers: ["5.3.13"],
      async run(bench) {
        const limiter = bench.limiter(fivePerSecond);
        await admitted([limiter], 5);
        await assert.rejects(limiter.acquire({ timeoutMs: 999.999 }), { code: "RATE_LIMITED", retryAfterMs: 1_000 });
        assert.equal((await bench.clock.runUntil(limiter.acquire({ timeoutMs: 1_500 }))).waitedMs, 1_000);
      },
    },
    {
      name: "admits exactly 20 of 40 calls made at once",
      covers: ["5.10.6", "5.10.22"],
      async run(bench) {
        const limiter = bench.limiter({ algorithm: "sliding_window", limit: 20, windowMs: 60_000 });
        assert.equal(await admitted([limiter], 40), 20);
        const small = bench.instance({ small: { algorithm: "sliding_window", limit: 10, windowMs: 60_000 } });
        assert.equal(await admitted([small.limiter("small")], 20), 10);
      },
    },
    {
      name: "admits 5 in 2 s, refuses the 6th, and is free again after exactly 2 s",
      covers: ["5.10.13"],
      async run(bench) {
        const limiter = bench.limiter({ algorithm: "sliding_window", limit: 5, windowMs: 2_000 });
        for (let i = 0; i < 5; i++) assert.equal((await limiter.acquire()).waitedMs, 0);
        assert.equal((await limiter.tryAcquire()).retryAfterMs, 2_000);
        await bench.clock.advance(2_000);
        assert.equal((await limiter.tryAcquire()).allowed, true);
      },
    },
    {
      name: "takes a cost of n as n units, all or none",
      covers: ["law.6"],
      async run(bench) {
        const limiter = bench.limiter(fivePerSecond);
        assert.equal((await limiter.tryAcquire({ cost: 3 })).remaining, 2);
        const denied = await limiter.tryAcquire({ cost: 3 });
        assert.equal(denied.allowed, false);
        assert.equal(denied.remaining, 2);
        assert.equal((await limiter.tryAcquire({ cost: 2 })).allowed, true);
        await assert.rejects(limiter.tryAcquire({ cost: 6 }), { code: "COST_EXCEEDS_LIMIT", capacity: 5 });
      },
    },
    {
      name: "grants nothing more when the clock steps back",
      covers: ["5.12.missing.clock", "law.8"],
      async run(bench) {
        const limiter = bench.limiter(fivePerSecond);
        const startUs = bench.clock.nowUs();
        assert.equal(await admitted([limiter], 9), 5);
        bench.clock.set(startUs - 500_000);
        assert.equal(await admitted([limiter], 9), 0);
        bench.clock.set(startUs + 499_999);
        assert.equal(await admitted([limiter], 9), 0);
        bench.clock.set(startUs + 500_000);
        assert.equal(await admitted([limiter], 9), 5);
      },
    },
  ],
};
