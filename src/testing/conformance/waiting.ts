/**
 * Waiting: in order of arrival, and bounded. Calls that leave are in `leaving.ts`.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { RateLimitedError } from "../../decision/rate_limited_error.ts";
import type { Permit } from "../../decision/decision.ts";
import { waiterId } from "../../stores/waiter_id.ts";
import type { Topic } from "./bench.ts";

/** Cases on waiting. */
export const waiting: Topic = {
  topic: "waiting",
  cases: [
    {
      name: "for a permit is served in order of arrival, across instances",
      covers: ["5.12.missing.fifo", "law.10"],
      async run(bench) {
        const options = { maxConcurrent: 1 } as const;
        const instances = [bench.limiter(options), bench.limiter(options), bench.limiter(options)] as const;
        let holder: Permit = await instances[0].acquire();
        const order: number[] = [];
        const permits: Permit[] = [];
        for (let i = 0; i < 12; i++) {
          const call = (instances[i % 3] as typeof instances[0]).acquire();
          void call.then((permit) => (order.push(i), permits.push(permit)));
          await bench.settle();
        }
        for (let i = 0; i < 12; i++) {
          assert.equal(order.length, i);
          await holder.release();
          await bench.settle();
          holder = permits.at(-1) as Permit;
        }
        assert.deepEqual(order, Array.from({ length: 12 }, (_, i) => i));
      },
    },
    {
      name: "for a unit is served in order of arrival, one an interval, across instances",
      covers: ["5.12.missing.fifo", "law.10"],
      async run(bench) {
        const options = { ratePerSecond: 20 };
        const instances = [bench.limiter(options), bench.limiter(options)] as const;
        const order: number[] = [];
        const calls: Promise<Permit>[] = [];
        for (let i = 0; i < 40; i++) {
          const call = (instances[i % 2] as typeof instances[0]).acquire();
          void call.then(() => order.push(i));
          calls.push(call);
          await bench.settle();
        }
        const permits = await bench.clock.runUntil(Promise.all(calls));
        assert.deepEqual(order, Array.from({ length: 40 }, (_, i) => i));
        assert.deepEqual(permits.map((permit) => permit.waitedMs), Array.from({ length: 40 }, (_, i) => i * 50));
      },
    },
    {
      name: "for a unit is served in the order of the calls, with and without a signal",
      covers: ["5.12.missing.fifo", "law.10"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 20 });
        const { signal } = new AbortController();
        const calls = Array.from({ length: 40 }, (_, i) => limiter.acquire(i % 2 === 0 ? { signal } : {}));
        const permits = await bench.clock.runUntil(Promise.all(calls));
        assert.deepEqual(permits.map((permit) => permit.waitedMs), Array.from({ length: 40 }, (_, i) => i * 50));
      },
    },
    {
      name: "for a permit is asked about again however often the holder before it crashes",
      covers: ["law.10", "law.11"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 1, leaseTtlMs: 5_000 });
        const targets = [bench.targetOf(limiter)];
        // A process that is granted a permit and ends right after.
        const gone = { instance: "gone", targetOf: () => targets[0], wakeup: () => {}, missed: () => {} };
        await bench.store.listen(gone);
        const crashNext = async (sequence: number) => {
          const parts = { instance: "gone", sequence, direct: true, maxWaitUs: 1e9, permits: 1, cost: 1 };
          const request = { op: "take", mode: "wait", maxWaitUs: 1e9, arrivalUs: 0, targets } as const;
          return await bench.store.execute({ ...request, id: waiterId(parts) });
        };
        await bench.takeAndCrash(limiter);
        const first = bench.watch(limiter.acquire());
        await bench.settle();
        await crashNext(2);
        await crashNext(3);
        await bench.clock.advance(1_000);
        const last = bench.watch(limiter.acquire());
        await bench.settle();
        await bench.clock.advance(4_000);
        await bench.settle();
        assert.equal(first.pending, false);
        await first.result.release();
        await bench.clock.advance(10_000 - 1);
        await bench.settle();
        assert.equal(last.pending, true);
        await bench.clock.advance(1);
        await bench.settle();
        assert.equal(last.pending, false, "both leases have ended");
        await last.result.release();
      },
    },
    {
      name: "for a permit ends at once where a change of rules makes room, in order of arrival",
      covers: ["law.16"],
      async run(bench) {
        const rs = bench.instance({ api: { maxConcurrent: 1 } });
        const held = await rs.acquire("api");
        const order: number[] = [];
        const calls = [0, 1, 2].map(async (i) => {
          const permit = await rs.acquire("api");
          order.push(i);
          return permit;
        });
        await bench.settle();
        rs.configureLimiter("api", { ...bench.adapt({ maxConcurrent: 3 }), store: "s" });
        await bench.settle();
        assert.deepEqual(order, [0, 1]);
        await held.release();
        await bench.settle();
        assert.deepEqual(order, [0, 1, 2]);
        rs.configureLimiter("api", { ...bench.adapt({ maxConcurrent: 1 }), store: "s" });
        const last = bench.watch(rs.acquire("api"));
        await bench.settle();
        for (const call of calls) {
          assert.equal(last.pending, true, "the lower limit holds for what was taken under the higher one");
          await (await call).release();
          await bench.settle();
        }
        await last.result.release();
      },
    },
    {
      name: "for a permit is bounded by maxWaiters: one more is denied at once",
      covers: ["law.10"],
      async run(bench) {
        const options = { maxConcurrent: 1, maxWaiters: 2 };
        const [one, other] = [bench.limiter(options), bench.limiter(options)];
        const held = await one.acquire();
        const waiting = [one.acquire(), other.acquire()] as const;
        await bench.settle();
        const denied = bench.watch(other.acquire());
        await bench.settle();
        assert.equal((denied.error as RateLimitedError).decision.reason, "queue_full");
        const { queueFull, timeouts, maxConcurrentReached } = other.metrics();
        assert.deepEqual({ queueFull, timeouts, maxConcurrentReached }, {
          queueFull: 1,
          timeouts: 0,
          maxConcurrentReached: 1,
        });
        assert.equal((await other.tryAcquire()).reason, "concurrency", "who does not wait is not refused by the queue");
        await held.release();
        await (await waiting[0]).release();
        await (await waiting[1]).release();
        await (await other.acquire()).release();
      },
    },
    {
      name: "for a rate is bounded by maxWaiters in each process: one more is denied at once, and takes nothing",
      covers: ["law.10"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 1, maxWaiters: 2, denyCacheMs: 0 });
        const calls = [limiter.acquire(), limiter.acquire(), limiter.acquire(), limiter.acquire(), limiter.acquire()];
        const outcomes = Promise.allSettled(calls);
        await bench.settle();
        await assert.rejects(calls[3] as Promise<Permit>, (error: RateLimitedError) => {
          return error.decision.reason === "queue_full" && error.decision.retryAfterMs > 0;
        });
        assert.equal(limiter.metrics().queueFull, 2);
        assert.deepEqual((await bench.clock.runUntil(outcomes)).map(({ status }) => status), [
          ...["fulfilled", "fulfilled", "fulfilled"],
          ...["rejected", "rejected"],
        ]);
        await bench.clock.advance(1_000);
        assert.equal((await limiter.tryAcquire()).allowed, true, "what was denied has taken nothing");
      },
    },
    {
      name: "for a rate goes on in a queue that is full, where a correction has all of its calls ask again",
      covers: ["law.10"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 1, maxWaiters: 2 });
        const calls = [limiter.acquire(), limiter.acquire(), limiter.acquire()];
        const permits = Promise.all(calls);
        await bench.settle();
        await limiter.block(500);
        await bench.settle();
        await bench.clock.runUntil(permits);
        assert.equal(limiter.metrics().queueFull, 0);
      },
    },
    {
      name: "cannot be overtaken by tryAcquire",
      covers: ["5.12.missing.fifo"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 1, ratePerSecond: 10 });
        const holder = await limiter.acquire();
        const first = bench.watch(limiter.acquire());
        await bench.settle();
        await holder.release();
        assert.equal((await limiter.tryAcquire()).allowed, false);
        await bench.clock.advance(100);
        assert.equal(first.afterMs, 100);
      },
    },
    {
      name: "for a permit is served at once by a reset",
      covers: ["5.9.3"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 1 });
        await bench.takeAndCrash(limiter);
        const waiter = bench.watch(limiter.acquire());
        await bench.settle();
        assert.equal(waiter.pending, true);
        await limiter.reset();
        await bench.settle();
        assert.equal(waiter.afterMs, 0);
      },
    },
    {
      name: "keeps a large cost in order: smaller ones do not overtake it",
      covers: ["5.12.missing.fifo"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 3 });
        const holders = await Promise.all([limiter.acquire(), limiter.acquire(), limiter.acquire()]);
        const large = bench.watch(limiter.acquire({ cost: 3 }));
        await bench.settle();
        const small = bench.watch(limiter.acquire());
        for (const holder of holders) {
          await bench.settle();
          assert.deepEqual([large.pending, small.pending], [true, true]);
          await holder.release();
        }
        await bench.settle();
        assert.deepEqual([large.pending, small.pending], [false, true]);
        await large.result.release();
        await bench.settle();
        assert.equal(small.pending, false);
      },
    },
  ],
};
