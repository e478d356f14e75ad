/**
 * Waiting: in order of arrival, and whoever leaves gives his place back.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { Permit } from "../../limiter/permit.ts";
import type { Topic } from "./bench.ts";

/** Cases on waiting. */
export const waiting: Topic = {
  topic: "waiting",
  cases: [
    {
      name: "for a slot is served in order of arrival, across instances",
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
      name: "for a slot ends with the signal's reason, and the next in line moves up",
      covers: ["5.12.missing.cancellation", "law.10"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 1 });
        const holder = await limiter.acquire();
        const controller = new AbortController();
        const first = bench.watch(limiter.acquire({ signal: controller.signal }));
        await bench.settle();
        const second = bench.watch(limiter.acquire());
        await bench.settle();
        const reason = new Error("changed my mind");
        controller.abort(reason);
        await bench.settle();
        assert.equal(first.error, reason);
        assert.equal(second.pending, true);
        await holder.release();
        await bench.settle();
        assert.equal(second.result.decision.allowed, true);
        assert.equal(limiter.metrics().aborts, 1);
      },
    },
    {
      name: "for a unit ends with the signal's reason, and everybody behind moves up",
      covers: ["5.12.missing.cancellation", "law.10"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 1 });
        await limiter.acquire();
        const controller = new AbortController();
        const first = bench.watch(limiter.acquire({ signal: controller.signal }));
        const second = bench.watch(limiter.acquire());
        const third = bench.watch(limiter.acquire());
        await bench.clock.advance(400);
        const reason = new Error("changed my mind");
        controller.abort(reason);
        await bench.settle();
        assert.equal(first.error, reason);
        await bench.clock.advance(10_000);
        assert.deepEqual([second.afterMs, third.afterMs], [1_000, 2_000]);
      },
    },
    {
      name: "takes nothing when it was aborted before it began",
      covers: ["5.12.missing.cancellation"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 1, maxConcurrent: 1 });
        const reason = new Error("never mind");
        await assert.rejects(limiter.acquire({ signal: AbortSignal.abort(reason) }), reason);
        assert.equal((await limiter.tryAcquire()).allowed, true);
      },
    },
    {
      name: "that was aborted gives the last place back: nobody waits for it",
      covers: ["5.12.missing.cancellation", "5.12.missing.partial"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 1 });
        await limiter.acquire();
        const controller = new AbortController();
        const waits = [1, 2, 3].map(() => bench.watch(limiter.acquire({ signal: controller.signal })));
        await bench.settle();
        assert.equal((await limiter.peek()).retryAfterMs, 4_000);
        controller.abort(new Error("all of them"));
        await bench.settle();
        assert.deepEqual(waits.map((wait) => wait.pending), [false, false, false]);
        assert.equal((await limiter.peek()).retryAfterMs, 1_000);
      },
    },
    {
      name: "for a slot that ran out of time gives its place and takes no unit",
      covers: ["5.12.missing.partial", "law.10"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 1, limit: 5, windowMs: 60_000, algorithm: "sliding_window" });
        const holder = await limiter.acquire();
        const late = bench.watch(limiter.acquire({ timeoutMs: 100 }));
        await bench.settle();
        const patient = bench.watch(limiter.acquire({ timeoutMs: 1_000 }));
        await bench.clock.advance(100);
        assert.equal(late.errorCode, "RATE_LIMITED");
        assert.equal((await limiter.peek()).limits[0]?.remaining, 4);
        await holder.release();
        await bench.settle();
        assert.equal(patient.afterMs, 100);
        assert.equal((await limiter.peek()).limits[0]?.remaining, 3);
      },
    },
    {
      name: "for a slot is served at once by a reset",
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
      name: "lets a large cost wait its turn: smaller ones do not overtake it",
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
