/**
 * Peeking: where a limiter stands, told without taking or writing anything.
 *
 * @module
 */

import assert from "node:assert/strict";

import { Decision } from "../../decision/decision.ts";
import type { Topic } from "./bench.ts";
import { admitted } from "./load.ts";

const fivePerMinute = { algorithm: "sliding_window", limit: 5, windowMs: 60_000 } as const;
const twoPerMinute = { ...fivePerMinute, limit: 2 } as const;

/** Cases on `peek`. */
export const peeking: Topic = {
  topic: "peek",
  cases: [
    {
      name: "tells of a fresh limiter that all is left",
      covers: ["5.8.1", "5.8.2", "5.11.memory"],
      async run(bench) {
        const state = await bench.limiter(fivePerMinute).peek();
        assert.ok(state instanceof Decision);
        assert.equal(state.allowed, true);
        assert.deepEqual([state.limit, state.remaining, state.retryAfterMs, state.resetAfterMs], [5, 5, 0, 0]);
      },
    },
    {
      name: "tells what is left after every call, to the unit",
      covers: ["5.8.3", "5.11.redis", "5.11.memory"],
      async run(bench) {
        const limiter = bench.limiter(fivePerMinute);
        for (const left of [4, 3, 2, 1, 0]) {
          assert.equal((await limiter.acquire()).decision.remaining, left);
          assert.equal((await limiter.peek()).remaining, left);
        }
      },
    },
    {
      name: "tells of an exhausted limiter that nothing is left, and until when",
      covers: ["5.8.4"],
      async run(bench) {
        const limiter = bench.limiter(twoPerMinute);
        await limiter.acquire();
        await bench.clock.advance(1_000);
        await limiter.acquire();
        const state = await limiter.peek();
        assert.equal(state.allowed, false);
        assert.equal(state.reason, "rate");
        assert.deepEqual([state.remaining, state.retryAfterMs, state.resetAfterMs], [0, 59_000, 60_000]);
      },
    },
    {
      name: "tells when all will be as unused",
      covers: ["5.8.5"],
      async run(bench) {
        const rs = bench.instance({ window: twoPerMinute, bucket: { ratePerSecond: 2, burst: 4 } });
        await Promise.all([rs.acquire("window"), rs.acquire("bucket", { cost: 3 })]);
        await bench.clock.advance(100);
        assert.equal((await rs.peek("window")).resetAfterMs, 59_900);
        assert.equal((await rs.peek("bucket")).resetAfterMs, 1_400);
      },
    },
    {
      name: "takes nothing, however often it is called",
      covers: ["5.8.6", "5.12.missing.peek", "law.2"],
      async run(bench) {
        const limiter = bench.limiter({ ...twoPerMinute, maxConcurrent: 3 });
        for (let i = 0; i < 10; i++) {
          const state = await limiter.peek();
          assert.deepEqual(state.limits.map((limit) => limit.remaining), [2, 3]);
        }
        assert.deepEqual(limiter.metrics().totalAcquisitions, 0);
        assert.equal(await admitted([limiter], 3), 2);
      },
    },
    {
      name: "works for a bucket",
      covers: ["5.8.7", "5.11.redis", "5.11.memory"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 10, burst: 3 });
        assert.equal((await limiter.peek()).allowed, true);
        await limiter.acquire({ cost: 2 });
        assert.deepEqual([(await limiter.peek()).allowed, (await limiter.peek()).remaining], [true, 1]);
        await limiter.acquire();
        assert.deepEqual([(await limiter.peek()).allowed, (await limiter.peek()).retryAfterMs], [false, 100]);
      },
    },
    {
      name: "counts the permits that are held by all callers",
      covers: ["5.11.redis"],
      async run(bench) {
        const options = { maxConcurrent: 5 };
        const [mine, theirs] = [bench.limiter(options), bench.limiter(options)];
        await Promise.all([mine.acquire(), theirs.acquire(), theirs.acquire()]);
        assert.equal((await mine.peek()).remaining, 2);
      },
    },
    {
      name: "decides as tryAcquire does right after it, in every state",
      covers: ["5.12.missing.peek", "law.5"],
      async run(bench) {
        const limiter = bench.limiter({ limits: [{ ratePerSecond: 3, burst: 2 }, twoPerMinute], maxConcurrent: 3 });
        for (const advanceMs of [0, 0, 0, 333.333, 0.001, 59_666.665, 0.001, 1]) {
          await bench.clock.advance(advanceMs);
          const { allowed, reason, retryAfterMs } = await limiter.peek();
          const decision = await limiter.tryAcquire();
          assert.deepEqual([allowed, reason, retryAfterMs], [decision.allowed, decision.reason, decision.retryAfterMs]);
          await decision.permit?.release();
        }
      },
    },
    {
      name: "explains what denies and when units are free, if the store tells details",
      covers: ["5.12.missing.peek"],
      async run(bench) {
        const limiter = bench.limiter({
          limits: [{ algorithm: "sliding_window", limit: 3, windowMs: 60_000 }, { ratePerSecond: 2, burst: 4 }],
          maxConcurrent: 2,
        });
        const first = await limiter.acquire({ cost: 2 });
        await bench.clock.advance(1_000);
        const second = await limiter.acquire();
        const waiter = bench.watch(limiter.acquire({ timeoutMs: 1 }).catch(() => undefined));
        await bench.settle();
        const { reason, complete, limiters: [explained] } = await limiter.explain();
        assert.equal(reason, "concurrency");
        const [window, bucket, permits] = explained?.limits ?? [];
        assert.deepEqual([window?.used, bucket?.used, permits?.used], [3, 1, 2]);
        assert.deepEqual([window?.denies, bucket?.denies, permits?.denies], [true, false, true]);
        if (complete) {
          assert.deepEqual(window?.free.map(({ afterMs }) => afterMs), [59_000, 60_000, undefined]);
          assert.deepEqual(bucket?.free.map(({ afterMs }) => afterMs), [0, 500, undefined]);
          assert.equal(permits?.permits?.processes, 1);
        }
        await Promise.all([first.release(), second.release()]);
        await bench.clock.advance(2);
        assert.equal(waiter.pending, false);
        await limiter.block(1_000);
        const blocked = await limiter.explain();
        assert.equal(blocked.deniedBy?.rule, "block");
        if (blocked.complete) {
          assert.equal(blocked.limiters[0]?.block?.endsInMs, 1_000);
          assert.equal(blocked.limiters[0]?.limits[2]?.permits?.waiting, 0);
        }
        assert.equal((await limiter.peek()).reason, "blocked");
      },
    },
    {
      name: "changes nothing for those who wait",
      covers: ["5.12.missing.peek", "law.2"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 1 });
        const holder = await limiter.acquire();
        const waiter = bench.watch(limiter.acquire());
        await bench.settle();
        assert.equal((await limiter.peek()).reason, "concurrency");
        await bench.settle();
        assert.equal(waiter.pending, true);
        await holder.release();
        await bench.settle();
        assert.equal(waiter.afterMs, 0);
      },
    },
  ],
};
