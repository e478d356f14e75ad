/**
 * Concurrency: never more inside than there are permits, and a permit is free the moment it is given back.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { Topic } from "./bench.ts";
import { admitted, mostAtOnce } from "./load.ts";

/** Cases on permits. */
export const concurrency: Topic = {
  topic: "concurrency",
  cases: [
    {
      name: "makes the third wait in vain while two hold both permits",
      covers: ["5.4.1", "5.11.redis"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 2 });
        const holders = [await limiter.acquire(), await limiter.acquire()];
        const third = bench.watch(limiter.acquire({ timeoutMs: 50 }));
        await bench.clock.advance(49.999);
        assert.equal(third.pending, true);
        await bench.clock.advance(0.001);
        assert.equal(third.errorCode, "RATE_LIMITED");
        assert.equal((await limiter.tryAcquire()).reason, "concurrency");
        for (const permit of holders) await permit.release();
        assert.equal(await admitted([limiter], 5), 2);
      },
    },
    {
      name: "frees a permit at once when it is released",
      covers: ["5.4.2"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 1 });
        const permit = await limiter.acquire();
        assert.equal((await limiter.tryAcquire()).allowed, false);
        await permit.release();
        assert.equal((await limiter.tryAcquire()).allowed, true);
      },
    },
    {
      name: "releases at the end of a block, and of run",
      covers: ["5.4.3"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 1 });
        {
          await using _permit = await limiter.acquire();
          assert.equal((await limiter.tryAcquire()).allowed, false);
        }
        assert.equal(await limiter.run(() => "done"), "done");
        assert.equal((await limiter.tryAcquire()).allowed, true);
      },
    },
    {
      name: "releases when the block or the function throws",
      covers: ["5.4.4"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 1 });
        const failure = new Error("failure");
        const fail = () => Promise.reject(failure);
        await assert.rejects(limiter.run(fail), failure);
        await assert.rejects(async () => {
          await using _permit = await limiter.acquire();
          await fail();
        }, failure);
        assert.equal((await limiter.tryAcquire()).allowed, true);
      },
    },
    {
      name: "lets acquire wait until the holder releases, not longer",
      covers: ["5.4.6"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 1 });
        const holder = await limiter.acquire();
        const second = bench.watch(limiter.acquire());
        await bench.clock.advance(200);
        assert.equal(second.pending, true);
        await holder.release();
        await bench.settle();
        assert.equal(second.result.waitedMs, 200);
      },
    },
    {
      name: "is as good as new after five rounds of two",
      covers: ["5.4.9"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 2 });
        for (let round = 0; round < 5; round++) {
          const permits = await Promise.all([limiter.acquire(), limiter.acquire()]);
          assert.equal((await limiter.tryAcquire()).allowed, false);
          await Promise.all(permits.map((permit) => permit.release()));
        }
        assert.equal((await limiter.peek()).remaining, 2);
      },
    },
    {
      name: "counts one holder inside run, and none after it",
      covers: ["5.4.10"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 2 });
        const inside = await limiter.run(
          async () => [limiter.metrics().currentConcurrent, (await limiter.peek()).remaining],
          {
            timeoutMs: 1_000,
          },
        );
        assert.deepEqual(inside, [1, 1]);
        assert.equal(limiter.metrics().currentConcurrent, 0);
        assert.equal((await limiter.peek()).remaining, 2);
      },
    },
    {
      name: "does not call the function of a run that finds no permit in time",
      covers: ["5.4.11"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 1 });
        await limiter.acquire();
        let called = false;
        const run = limiter.run(() => void (called = true), { timeoutMs: 100 });
        await assert.rejects(bench.clock.runUntil(run), { code: "RATE_LIMITED" });
        assert.equal(called, false);
      },
    },
    {
      name: "does not become larger by releasing twice, or what is not held",
      covers: ["5.4.12", "5.12.missing.release", "law.1"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 2 });
        const targets = [bench.targetOf(limiter)];
        const stranger = "stranger.1.d.0.1.1";
        const unheld = await bench.store.execute({ op: "release", id: stranger, targets });
        assert.deepEqual(unheld.counts, [0]);
        const [first] = [await limiter.acquire(), await limiter.acquire()];
        await bench.store.execute({ op: "release", id: stranger, targets });
        assert.equal(await admitted([limiter], 3), 0);
        await Promise.all([first.release(), first.release()]);
        await first.release();
        assert.equal(await admitted([limiter], 3), 1);
      },
    },
    {
      name: "lets tryAcquire fail at once when full, and says why",
      covers: ["5.4.13"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 1, leaseTtlMs: 3_000 });
        await limiter.acquire();
        const denied = await limiter.tryAcquire();
        assert.equal(denied.allowed, false);
        assert.equal(denied.reason, "concurrency");
        assert.equal(denied.retryAfterMs, 3_000);
        await assert.rejects(limiter.acquire({ timeoutMs: 0 }), { code: "RATE_LIMITED" });
      },
    },
    {
      name: "makes release a no-op where there are no permits",
      covers: ["5.4.14"],
      async run(bench) {
        const limiter = bench.limiter({ limit: 5, windowMs: 60_000, algorithm: "sliding_window" });
        const permit = await limiter.acquire();
        await permit.release();
        await permit.release();
        assert.equal(permit.fencingToken, undefined);
        assert.equal((await limiter.peek()).remaining, 4);
      },
    },
    {
      name: "admits exactly 3 of 10 calls made at once",
      covers: ["5.4.15"],
      async run(bench) {
        assert.equal(await admitted([bench.limiter({ maxConcurrent: 3 })], 10), 3);
      },
    },
    {
      name: "runs one after the other where there is one permit",
      covers: ["5.4.16"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 1 });
        const order: number[] = [];
        const task = (n: number) =>
          limiter.run(async () => {
            await bench.sleep(100);
            order.push(n);
          });
        await bench.clock.runUntil(Promise.all([task(1), task(2)]));
        assert.deepEqual(order, [1, 2]);
      },
    },
    {
      name: "never has more than 5 of 50 tasks inside, and all 5 permits in use",
      covers: ["5.4.17", "law.1"],
      async run(bench) {
        assert.equal(await mostAtOnce(bench, bench.limiter({ maxConcurrent: 5 }), 50), 5);
      },
    },
    {
      name: "never has more than 10 of 50 workers inside",
      covers: ["5.10.18"],
      async run(bench) {
        assert.equal(await mostAtOnce(bench, bench.limiter({ maxConcurrent: 10 }), 50), 10);
      },
    },
    {
      name: "takes a cost of n as n permits where there is nothing but permits",
      covers: ["law.6"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 5 });
        const three = await limiter.acquire({ cost: 3 });
        assert.equal((await limiter.tryAcquire({ cost: 3 })).allowed, false);
        assert.equal((await limiter.tryAcquire({ cost: 2 })).allowed, true);
        await three.release();
        assert.equal((await limiter.peek()).remaining, 3);
      },
    },
  ],
};
