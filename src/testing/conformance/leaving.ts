/**
 * Calls that leave while they wait: aborted, or out of time. They give their places back.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { Topic } from "./bench.ts";

/** Cases on calls that leave while they wait. */
export const leaving: Topic = {
  topic: "waiting",
  cases: [
    {
      name: "for a permit ends with the signal's reason, and the next in line moves up",
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
      name: "for a unit ends with the signal's reason, and the calls behind move up",
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
      name: "that was aborted gives the last place back, and no call waits for it",
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
      name: "for a permit that ran out of time gives its place and takes no unit",
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
  ],
};
