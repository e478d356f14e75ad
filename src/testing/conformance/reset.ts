/**
 * Reset: a key, a limiter or everything starts anew, with the same rules.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { Topic } from "./bench.ts";
import { admitted } from "./load.ts";

const twoPerMinute = { algorithm: "sliding_window", limit: 2, windowMs: 60_000 } as const;

/** Cases on resets. */
export const reset: Topic = {
  topic: "reset",
  cases: [
    {
      name: "empties no bucket: it is full again",
      covers: ["5.9.1", "5.12.testing"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 0.01, burst: 2 });
        assert.equal(await admitted([limiter], 3), 2);
        await limiter.reset();
        assert.equal(await admitted([limiter], 3), 2);
      },
    },
    {
      name: "forgets what was taken in every kind of window",
      covers: ["5.9.2"],
      async run(bench) {
        for (const algorithm of ["sliding_window", "sliding_window_counter", "fixed_window"] as const) {
          const limiter = bench.instance({ [algorithm]: { ...twoPerMinute, algorithm } }).limiter(algorithm);
          assert.equal(await admitted([limiter], 3), 2);
          await limiter.reset();
          assert.equal(await admitted([limiter], 3), 2, algorithm);
        }
      },
    },
    {
      name: "frees permits whose holder is gone",
      covers: ["5.9.3"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 1 });
        await bench.takeAndCrash(limiter);
        assert.equal((await limiter.tryAcquire()).allowed, false);
        await limiter.reset();
        assert.equal((await limiter.tryAcquire()).allowed, true);
      },
    },
    {
      name: "starts the metrics of the limiter over",
      covers: ["5.9.4"],
      async run(bench) {
        const limiter = bench.limiter(twoPerMinute);
        await admitted([limiter], 3);
        await limiter.reset();
        const { totalAcquisitions, totalDenials, lastAcquisitionAtMs } = limiter.metrics();
        assert.deepEqual([totalAcquisitions, totalDenials, lastAcquisitionAtMs], [0, 0, undefined]);
      },
    },
    {
      name: "can be repeated, and done before anything was taken",
      covers: ["5.9.5", "5.12.testing"],
      async run(bench) {
        const limiter = bench.limiter({ ...twoPerMinute, maxConcurrent: 2 });
        await limiter.reset();
        await Promise.all([limiter.reset(), limiter.reset()]);
        assert.equal(await admitted([limiter], 3), 2);
      },
    },
    {
      name: "leaves the limiter usable, with metrics of its own",
      covers: ["5.9.6", "5.11.memory"],
      async run(bench) {
        const limiter = bench.limiter({ limit: 5, windowMs: 1_000, maxConcurrent: 2 });
        await (await limiter.acquire()).release();
        await limiter.reset();
        for (let i = 0; i < 2; i++) await (await limiter.acquire()).release();
        const { totalAcquisitions, totalReleases } = limiter.metrics();
        assert.deepEqual([totalAcquisitions, totalReleases], [2, 2]);
      },
    },
    {
      name: "keeps the rules",
      covers: ["5.9.8", "5.12.testing"],
      async run(bench) {
        const limiter = bench.limiter({ ...twoPerMinute, maxConcurrent: 2, timeoutMs: 5 });
        const { policy } = limiter;
        await limiter.reset();
        assert.equal(limiter.policy, policy);
      },
    },
    {
      name: "while two of two permits are held makes both available, and the old holders notice",
      covers: ["5.9.9", "5.12.testing"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 2, leaseTtlMs: 3_000 });
        const old = [await limiter.acquire(), await limiter.acquire()];
        await limiter.reset();
        const next = [await limiter.tryAcquire(), await limiter.tryAcquire()];
        assert.deepEqual(next.map((decision) => decision.allowed), [true, true]);
        await old[0]?.release();
        assert.equal((await limiter.tryAcquire()).allowed, false);
        await bench.clock.advance(1_000);
        assert.equal(old[1]?.lost.aborted, true);
        assert.equal(next[0]?.permit?.lost.aborted, false);
      },
    },
    {
      name: "of everything clears every limiter and key, and their metrics",
      covers: ["5.9.10", "5.11.redis", "5.11.memory", "5.12.testing"],
      async run(bench) {
        const rs = bench.instance({ a: twoPerMinute, b: { ratePerSecond: 1 }, c: { maxConcurrent: 1 } });
        await Promise.all([rs.acquire("a", { key: "k", cost: 2 }), rs.acquire("a", { cost: 2 }), rs.acquire("b")]);
        await bench.takeAndCrash(rs.limiter("c"));
        await rs.resetAll();
        assert.equal(rs.metrics("a").totalAcquisitions, 0);
        assert.equal((await rs.tryAcquire("a", { key: "k", cost: 2 })).allowed, true);
        assert.equal((await rs.tryAcquire("a", { cost: 2 })).allowed, true);
        assert.equal((await rs.tryAcquire("b")).allowed, true);
        assert.equal((await rs.tryAcquire("c")).allowed, true);
      },
    },
    {
      name: "of everything can be repeated",
      covers: ["5.9.11", "5.11.memory"],
      async run(bench) {
        const rs = bench.instance({ a: twoPerMinute });
        await rs.resetAll();
        await rs.acquire("a", { cost: 2 });
        await rs.resetAll();
        await rs.resetAll();
        assert.equal((await rs.peek("a")).remaining, 2);
      },
    },
    {
      name: "of everything serves those who wait for a permit",
      covers: ["5.9.10"],
      async run(bench) {
        const rs = bench.instance({ c: { maxConcurrent: 1 } });
        await bench.takeAndCrash(rs.limiter("c"));
        const waiter = bench.watch(rs.acquire("c"));
        await bench.settle();
        await rs.resetAll();
        await bench.settle();
        assert.equal(waiter.afterMs, 0);
      },
    },
    {
      name: "of one key leaves other keys, the limiter itself and its metrics alone",
      covers: ["5.12.testing"],
      async run(bench) {
        const limiter = bench.limiter(twoPerMinute);
        for (const key of ["a", "b"]) await limiter.acquire({ key, cost: 2 });
        await limiter.acquire({ cost: 2 });
        await limiter.reset({ key: "a" });
        const left = [await limiter.peek({ key: "a" }), await limiter.peek({ key: "b" }), await limiter.peek()];
        assert.deepEqual(left.map((decision) => decision.remaining), [2, 0, 0]);
        assert.equal(limiter.metrics().totalAcquisitions, 3);
      },
    },
    {
      name: "of a limiter or store that does not exist is refused",
      covers: ["5.12.testing"],
      async run(bench) {
        const rs = bench.instance<string>({ a: twoPerMinute });
        await assert.rejects(rs.reset("b"), { code: "LIMITER_NOT_FOUND" });
        assert.throws(() => rs.configureLimiter("b", { ...twoPerMinute, store: "t" }), { code: "STORE_NOT_FOUND" });
      },
    },
  ],
};
