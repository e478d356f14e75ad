/**
 * Rates and permits on one limiter: both must agree, and neither is held while the other is waited for.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { Topic } from "./bench.ts";

/** Cases on rates together with permits. */
export const combined: Topic = {
  topic: "rates and permits",
  cases: [
    {
      name: "let a call wait for the permit first, and then for the rate",
      covers: ["5.5.1", "5.11.redis"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 10, maxConcurrent: 1 });
        const holder = await limiter.acquire();
        assert.equal((await limiter.tryAcquire()).reason, "concurrency");
        const second = bench.watch(limiter.acquire());
        await bench.clock.advance(20);
        await holder.release();
        const denied = await limiter.tryAcquire();
        assert.equal(denied.allowed, false);
        await bench.clock.advance(79.999);
        assert.equal(second.pending, true);
        await bench.clock.advance(0.001);
        assert.equal(second.result.waitedMs, 100);
      },
    },
    {
      name: "deny by the rate when the permit is free",
      covers: ["5.5.1"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 10, maxConcurrent: 1 });
        await limiter.run(() => bench.clock.advance(40));
        const denied = await limiter.tryAcquire();
        assert.equal(denied.reason, "rate");
        assert.equal(denied.retryAfterMs, 60);
      },
    },
    {
      name: "count nested holders, and are free after them",
      covers: ["5.5.2"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 1_000, maxConcurrent: 2 });
        await limiter.run(async () => {
          await bench.clock.advance(1);
          await limiter.run(async () => {
            await bench.clock.advance(1);
            assert.equal((await limiter.tryAcquire()).reason, "concurrency");
          });
        });
        assert.equal((await limiter.tryAcquire()).allowed, true);
      },
    },
    {
      name: "let a window and permits both deny, each for its own reason",
      covers: ["5.5.3", "5.11.memory"],
      async run(bench) {
        const limiter = bench.limiter({ algorithm: "sliding_window", limit: 5, windowMs: 60_000, maxConcurrent: 2 });
        const [first] = [await limiter.acquire(), await limiter.acquire()];
        assert.equal((await limiter.tryAcquire()).reason, "concurrency");
        await first.release();
        const third = await limiter.tryAcquire();
        assert.equal(third.allowed, true);
        assert.deepEqual(third.limits.map((limit) => limit.remaining), [2, 0]);
      },
    },
    {
      name: "deny by an exhausted window although permits are free",
      covers: ["5.5.4"],
      async run(bench) {
        const limiter = bench.limiter({ algorithm: "sliding_window", limit: 2, windowMs: 60_000, maxConcurrent: 5 });
        for (let i = 0; i < 2; i++) await (await limiter.acquire()).release();
        const denied = await limiter.tryAcquire();
        assert.equal(denied.reason, "rate");
        assert.equal(denied.retryAfterMs, 60_000);
        assert.equal(denied.limits[1]?.remaining, 5);
      },
    },
    {
      name: "have at most 3 of 10 tasks inside, and start them 10 ms apart",
      covers: ["5.5.5", "5.10.27"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 100, maxConcurrent: 3 });
        let [active, most] = [0, 0];
        const startedMs: number[] = [];
        const startUs = bench.clock.nowUs();
        const task = () =>
          limiter.run(async () => {
            startedMs.push((bench.clock.nowUs() - startUs) / 1_000);
            most = Math.max(most, ++active);
            await bench.sleep(25);
            active--;
          });
        await bench.clock.runUntil(Promise.all(Array.from({ length: 10 }, task)));
        assert.equal(most, 3);
        assert.deepEqual(startedMs, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
      },
    },
    {
      name: "hold no permit while they wait for the rate",
      covers: ["law.10"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 1, maxConcurrent: 1 });
        await (await limiter.acquire()).release();
        const second = bench.watch(limiter.acquire());
        await bench.clock.advance(500);
        assert.equal(second.pending, true);
        assert.equal((await limiter.peek()).limits[1]?.remaining, 1);
        await bench.clock.advance(500);
        assert.equal(second.afterMs, 1_000);
      },
    },
  ],
};
