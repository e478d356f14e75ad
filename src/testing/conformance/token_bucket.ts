/**
 * Token bucket: evenly paced, or in bursts, and never more than that.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { Topic } from "./bench.ts";
import { admitted, saturate } from "./load.ts";

/** Cases on token buckets. */
export const tokenBucket: Topic = {
  topic: "token bucket",
  cases: [
    {
      name: "grants the first unit at once",
      covers: ["5.2.1"],
      async run(bench) {
        assert.equal((await bench.limiter({ ratePerSecond: 10 }).acquire()).waitedMs, 0);
      },
    },
    {
      name: "grants the second unit at 10/s after exactly 100 ms",
      covers: ["5.2.2"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 10 });
        await limiter.acquire();
        const second = bench.watch(limiter.acquire());
        await bench.clock.advance(99.999);
        assert.equal(second.pending, true);
        await bench.clock.advance(0.001);
        assert.equal(second.result.waitedMs, 100);
      },
    },
    {
      name: "lets tryAcquire have a free unit, and denies the next one with the exact wait",
      covers: ["5.2.3", "5.2.4"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 1 });
        assert.equal((await limiter.tryAcquire()).allowed, true);
        const second = await limiter.tryAcquire();
        assert.equal(second.allowed, false);
        assert.equal(second.reason, "rate");
        assert.equal(second.retryAfterMs, 1_000);
        assert.equal(second.permit, undefined);
      },
    },
    {
      name: "denies 1 µs before retryAfter and allows exactly at it, at any rate",
      covers: ["law.3"],
      async run(bench) {
        for (const ratePerSecond of [0.1, 0.3, 1, 3, 7.5, 99, 12_345, 1_000_000]) {
          const limiter = bench.instance({ [`r${ratePerSecond}`]: { ratePerSecond } }).limiter(`r${ratePerSecond}`);
          await limiter.tryAcquire();
          const { retryAfterMs } = await limiter.tryAcquire();
          await bench.clock.advance(retryAfterMs - 0.001);
          assert.equal((await limiter.tryAcquire()).allowed, false, `${ratePerSecond}/s, too early`);
          await bench.clock.advance(0.001);
          assert.equal((await limiter.tryAcquire()).allowed, true, `${ratePerSecond}/s, in time`);
        }
      },
    },
    {
      name: "waits for a unit that comes before the deadline",
      covers: ["5.2.5"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 10 });
        await limiter.acquire();
        assert.equal((await bench.clock.runUntil(limiter.acquire({ timeoutMs: 500 }))).waitedMs, 100);
        assert.equal((await bench.clock.runUntil(limiter.acquire({ timeoutMs: 100 }))).waitedMs, 100);
      },
    },
    {
      name: "fails at once, and takes nothing, where the unit comes after the deadline",
      covers: ["5.2.6", "5.2.14"],
      async run(bench) {
        for (const ratePerSecond of [1, 2]) {
          const limiter = bench.instance({ [`r${ratePerSecond}`]: { ratePerSecond } }).limiter(`r${ratePerSecond}`);
          await limiter.acquire();
          const intervalMs = 1_000 / ratePerSecond;
          const before = bench.clock.nowUs();
          for (const timeoutMs of [0, 100, intervalMs - 0.001]) {
            await assert.rejects(limiter.acquire({ timeoutMs }), { code: "RATE_LIMITED", retryAfterMs: intervalMs });
          }
          assert.equal(bench.clock.nowUs(), before);
          await bench.clock.advance(intervalMs);
          assert.equal((await limiter.tryAcquire()).allowed, true);
        }
      },
    },
    {
      name: "paces a saturated 5/s at exactly 200 ms",
      covers: ["5.2.13"],
      async run(bench) {
        assert.deepEqual(await saturate(bench, [bench.limiter({ ratePerSecond: 5 })], 1_000), [0, 200, 400, 600, 800]);
      },
    },
    {
      name: "serves 10 calls at 1000/s within 9 ms",
      covers: ["5.2.15"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 1_000 });
        const calls = Promise.all(Array.from({ length: 10 }, () => limiter.acquire()));
        const permits = await bench.clock.runUntil(calls);
        assert.deepEqual(permits.map((permit) => permit.waitedMs), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      },
    },
    {
      name: "keeps the full 2 s between two units at 0.5/s",
      covers: ["5.2.16"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 0.5 });
        assert.equal((await limiter.acquire()).waitedMs, 0);
        await assert.rejects(limiter.acquire({ timeoutMs: 1_999.999 }), { code: "RATE_LIMITED", retryAfterMs: 2_000 });
        assert.equal((await bench.clock.runUntil(limiter.acquire())).waitedMs, 2_000);
      },
    },
    {
      name: "does not drift: at 3/s the n-th unit comes at a third of n seconds, rounded up to 1 µs",
      covers: ["law.4"],
      async run(bench) {
        const expected = Array.from({ length: 30 }, (_, n) => Math.ceil(n * 1_000_000 / 3) / 1_000);
        assert.deepEqual(await saturate(bench, [bench.limiter({ ratePerSecond: 3 })], 10_000), expected);
      },
    },
    {
      name: "holds exactly `burst` units, and refills one an interval",
      covers: ["5.10.23", "5.12.missing.burst", "law.1"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 50, burst: 50 });
        assert.equal(await admitted([limiter], 200), 50);
        await bench.clock.advance(19.999);
        assert.equal(await admitted([limiter], 5), 0);
        await bench.clock.advance(0.001);
        assert.equal(await admitted([limiter], 5), 1);
        await bench.clock.advance(1_000);
        assert.equal(await admitted([limiter], 200), 50);
      },
    },
    {
      name: "recovers after a burst, and never holds more than `burst`",
      covers: ["5.10.11", "5.12.missing.burst"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 10, burst: 5 });
        assert.equal(await admitted([limiter], 9), 5);
        await bench.clock.advance(300);
        assert.equal(await admitted([limiter], 9), 3);
        await bench.clock.advance(3_600_000);
        assert.equal(await admitted([limiter], 9), 5);
      },
    },
    {
      name: "admits a cost of n exactly when n single units would be admitted",
      covers: ["law.6"],
      async run(bench) {
        const { whole, single } = { whole: { ratePerSecond: 10, burst: 10 }, single: { ratePerSecond: 10, burst: 10 } };
        const rs = bench.instance({ whole, single });
        for (const [cost, advanceMs] of [[4, 0], [5, 0], [2, 0], [2, 99.999], [2, 0.001], [10, 0]] as const) {
          await bench.clock.advance(advanceMs);
          const singles = (await rs.peek("single")).remaining;
          const { allowed } = await rs.tryAcquire("whole", { cost });
          assert.equal(allowed, singles >= cost, `cost ${cost} with ${singles} left`);
          for (let i = 0; allowed && i < cost; i++) await rs.tryAcquire("single");
        }
      },
    },
    {
      name: "refuses a cost that it can never hold, instead of waiting for it",
      covers: ["law.1"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 10, burst: 5 });
        const impossible = { code: "COST_EXCEEDS_LIMIT", cost: 6, capacity: 5 };
        await assert.rejects(limiter.acquire({ cost: 6, timeoutMs: Infinity }), impossible);
        await assert.rejects(limiter.tryAcquire({ cost: 6 }), impossible);
        assert.equal((await limiter.peek()).remaining, 5);
      },
    },
    {
      name: "grants nothing more when the clock steps back",
      covers: ["5.12.missing.clock", "law.8"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 1, burst: 3 });
        const startUs = bench.clock.nowUs();
        assert.equal(await admitted([limiter], 9), 3);
        bench.clock.set(startUs - 10_000_000);
        assert.equal(await admitted([limiter], 9), 0);
        bench.clock.set(startUs - 9_000_001);
        assert.equal(await admitted([limiter], 9), 0);
        bench.clock.set(startUs - 9_000_000);
        assert.equal(await admitted([limiter], 9), 1);
      },
    },
  ],
};
