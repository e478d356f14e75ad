/**
 * Metrics: what a limiter has done so far.
 *
 * @module
 */

import assert from "node:assert/strict";

import { RateLimitedError } from "../../decision/rate_limited_error.ts";
import type { Topic } from "./bench.ts";

const noneYet = {
  totalAcquisitions: 0,
  totalDenials: 0,
  denialsByReason: { rate: 0, blocked: 0, concurrency: 0, queue_full: 0, store: 0 },
  timeouts: 0,
  aborts: 0,
  waiting: 0,
  totalWaitMs: 0,
  avgWaitMs: 0,
  maxWaitMs: 0,
  lastAcquisitionAtMs: undefined,
  currentConcurrent: 0,
  peakConcurrent: 0,
  maxConcurrentReached: 0,
  queueFull: 0,
  totalReleases: 0,
  leasesLost: 0,
  storeErrors: 0,
  failures: 0,
  denyCacheHits: 0,
  tokenLeaseHits: 0,
  degradedDecisions: 0,
};

/** Cases on metrics. */
export const metrics: Topic = {
  topic: "metrics",
  cases: [
    {
      name: "begin at zero, and are copies that do not change",
      covers: ["5.6.1", "5.6.2"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 1 });
        const before = limiter.metrics();
        assert.deepEqual({ ...before }, noneYet);
        await limiter.acquire();
        assert.equal(before.totalAcquisitions, 0);
        assert.equal(Object.isFrozen(before), true);
      },
    },
    {
      name: "count every call that is allowed",
      covers: ["5.6.3"],
      async run(bench) {
        const limiter = bench.limiter({ limit: 5, windowMs: 1_000 });
        for (let n = 1; n <= 3; n++) {
          await limiter.acquire();
          assert.equal(limiter.metrics().totalAcquisitions, n);
        }
        await limiter.tryAcquire();
        assert.equal(limiter.metrics().totalAcquisitions, 4);
      },
    },
    {
      name: "count a failed acquire as a timeout, and a failed tryAcquire as a denial only",
      covers: ["5.6.4"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 1 });
        await limiter.acquire();
        await limiter.tryAcquire();
        const { totalDenials, timeouts } = limiter.metrics();
        assert.deepEqual({ totalDenials, timeouts }, { totalDenials: 1, timeouts: 0 });
        await assert.rejects(limiter.acquire({ timeoutMs: 10 }));
        const after = limiter.metrics();
        assert.deepEqual([after.totalDenials, after.timeouts], [2, 1]);
      },
    },
    {
      name: "follow how many permits are held",
      covers: ["5.6.5", "5.6.6"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 3 });
        const permits = [await limiter.acquire(), await limiter.acquire()] as const;
        assert.equal(limiter.metrics().currentConcurrent, 2);
        await permits[0].release();
        await permits[0].release();
        const { currentConcurrent, totalReleases, peakConcurrent } = limiter.metrics();
        assert.deepEqual({ currentConcurrent, totalReleases, peakConcurrent }, {
          currentConcurrent: 1,
          totalReleases: 1,
          peakConcurrent: 2,
        });
      },
    },
    {
      name: "tell when the last call was allowed",
      covers: ["5.6.7"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 10 });
        await limiter.acquire();
        await bench.clock.runUntil(limiter.acquire());
        assert.equal(limiter.metrics().lastAcquisitionAtMs, bench.clock.nowUs() / 1_000);
      },
    },
    {
      name: "are each limiter's own",
      covers: ["5.6.8"],
      async run(bench) {
        const rs = bench.instance({ a: { ratePerSecond: 1 }, b: { ratePerSecond: 1 } });
        await rs.acquire("a");
        assert.equal(rs.metrics("a").totalAcquisitions, 1);
        assert.deepEqual({ ...rs.metrics("b") }, noneYet);
      },
    },
    {
      name: "add up waits to the microsecond",
      covers: ["5.6.9", "5.6.10", "5.6.12"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 5 });
        await bench.clock.runUntil(Promise.all([limiter.acquire(), limiter.acquire(), limiter.acquire()]));
        const { totalWaitMs, avgWaitMs, maxWaitMs } = limiter.metrics();
        assert.deepEqual({ totalWaitMs, avgWaitMs, maxWaitMs }, { totalWaitMs: 600, avgWaitMs: 200, maxWaitMs: 400 });
      },
    },
    {
      name: "count how often every permit was taken, be it by tryAcquire or acquire",
      covers: ["5.6.11", "5.11.memory"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 1 });
        const holder = await limiter.acquire();
        await limiter.tryAcquire();
        assert.equal(limiter.metrics().maxConcurrentReached, 1);
        const waiter = limiter.acquire();
        await bench.settle();
        assert.equal(limiter.metrics().maxConcurrentReached, 2);
        await holder.release();
        await waiter;
        assert.equal(limiter.metrics().maxConcurrentReached, 2);
        await assert.rejects(limiter.acquire({ timeoutMs: 0 }), RateLimitedError);
        assert.equal(limiter.metrics().maxConcurrentReached, 3, "also where a call does not wait");
      },
    },
    {
      name: "count no timeout for what succeeds",
      covers: ["5.6.13"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 10 });
        await limiter.acquire({ timeoutMs: 0 });
        await bench.clock.runUntil(limiter.acquire({ timeoutMs: 100 }));
        const { timeouts, totalDenials } = limiter.metrics();
        assert.deepEqual({ timeouts, totalDenials }, { timeouts: 0, totalDenials: 0 });
      },
    },
  ],
};
