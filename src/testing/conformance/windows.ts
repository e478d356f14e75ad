/**
 * The window algorithms of constant size, and several windows on one limiter.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { Topic } from "./bench.ts";
import { admitted } from "./load.ts";

/** Cases on fixed, counted and combined windows. */
export const windows: Topic = {
  topic: "windows",
  cases: [
    {
      name: "fixed_window admits exactly `limit` in the window that the first unit opens",
      covers: ["law.1", "law.3"],
      async run(bench) {
        const limiter = bench.limiter({ algorithm: "fixed_window", limit: 5, windowMs: 1_000 });
        assert.equal(await admitted([limiter], 1), 1);
        await bench.clock.advance(900);
        assert.equal(await admitted([limiter], 9), 4);
        assert.equal((await limiter.tryAcquire()).retryAfterMs, 100);
        await bench.clock.advance(99.999);
        assert.equal(await admitted([limiter], 9), 0);
        await bench.clock.advance(0.001);
        assert.equal(await admitted([limiter], 9), 5);
      },
    },
    {
      name: "sliding_window_counter admits `limit` at once, and lets the last window fade",
      covers: ["law.1", "law.3"],
      async run(bench) {
        const limiter = bench.limiter({ algorithm: "sliding_window_counter", limit: 10, windowMs: 1_000 });
        assert.equal(await admitted([limiter], 15), 10);
        const { retryAfterMs } = await limiter.tryAcquire();
        assert.ok(retryAfterMs > 0 && retryAfterMs <= 2_000, `${retryAfterMs}`);
        await bench.clock.advance(retryAfterMs - 0.001);
        assert.equal(await admitted([limiter], 3), 0);
        await bench.clock.advance(0.001);
        assert.equal((await limiter.tryAcquire()).allowed, true);
        await bench.clock.advance(2_000);
        assert.equal(await admitted([limiter], 15), 10);
      },
    },
    {
      name: "no algorithm makes a call wait longer than its own time when the clock has stepped back",
      covers: ["law.3", "law.8"],
      async run(bench) {
        for (const algorithm of ["token_bucket", "sliding_window", "sliding_window_counter", "fixed_window"] as const) {
          const limiter = bench.limiter({ algorithm, limit: 5, windowMs: 60_000, denyCacheMs: 0 });
          const ask = (cost: number) => limiter.tryAcquire({ key: algorithm, cost });
          assert.equal((await ask(5)).allowed, true, algorithm);
          const backUs = bench.clock.nowUs() - 3_600_000_000;
          bench.clock.set(backUs);
          const { allowed, retryAfterMs } = await ask(1);
          assert.equal(allowed, false, algorithm);
          assert.ok(retryAfterMs <= (algorithm === "sliding_window_counter" ? 120_000 : 60_000), `${retryAfterMs}`);
          bench.clock.set(backUs + retryAfterMs * 1_000 - 1);
          assert.equal((await ask(1)).allowed, false, algorithm);
          bench.clock.set(backUs + retryAfterMs * 1_000);
          assert.equal((await ask(1)).allowed, true, algorithm);
        }
      },
    },
    {
      name: "several windows must all agree, and the one that denies takes from none",
      covers: ["5.12.missing.partial", "law.7"],
      async run(bench) {
        const limiter = bench.limiter({
          limits: [
            { algorithm: "sliding_window", limit: 3, windowMs: 1_000 },
            { algorithm: "sliding_window", limit: 5, windowMs: 60_000 },
            { algorithm: "fixed_window", limit: 100, windowMs: 60_000 },
            { limit: 100, windowMs: 60_000 },
          ],
        });
        const left = async () => (await limiter.peek()).limits.map((limit) => limit.remaining);
        assert.equal(await admitted([limiter], 9), 3);
        assert.deepEqual(await left(), [0, 2, 97, 97]);
        await bench.clock.advance(1_000);
        const before = await left();
        assert.deepEqual(before.slice(0, 3), [3, 2, 97]);
        assert.equal((await limiter.tryAcquire({ cost: 3 })).allowed, false);
        assert.deepEqual(await left(), before);
        assert.equal(await admitted([limiter], 9), 2);
        assert.equal((await limiter.tryAcquire()).retryAfterMs, 59_000);
      },
    },
    {
      name: "several windows wait exactly until the last of them agrees",
      covers: ["law.3"],
      async run(bench) {
        const limiter = bench.limiter({
          limits: [{ limit: 1, windowMs: 100 }, { limit: 2, windowMs: 1_000, burst: 2 }],
        });
        const waits: number[] = [];
        for (let i = 0; i < 4; i++) waits.push((await bench.clock.runUntil(limiter.acquire())).waitedMs);
        assert.deepEqual(waits, [0, 100, 400, 500]);
      },
    },
  ],
};
