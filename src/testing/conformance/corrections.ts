/**
 * Corrections by operators and applications, and cost that is reserved for later.
 *
 * @module
 */

import assert from "node:assert/strict";

import { RateLimitedError } from "../../decision/rate_limited_error.ts";
import type { Topic } from "./bench.ts";
import { admitted } from "./load.ts";

const fivePerMinute = { algorithm: "sliding_window", limit: 5, windowMs: 60_000 } as const;

/** Cases on corrections and reservations. */
export const corrections: Topic = {
  topic: "corrections",
  cases: [
    {
      name: "refund forgives units, up to a full limit",
      covers: ["law.1"],
      async run(bench) {
        const rs = bench.instance({ window: fivePerMinute, bucket: { ratePerSecond: 1, burst: 5 } });
        for (const id of ["window", "bucket"] as const) {
          await rs.acquire(id, { cost: 4 });
          await rs.refund(id, 2);
          assert.equal((await rs.peek(id)).remaining, 3, id);
          await rs.refund(id, 100);
          assert.equal((await rs.peek(id)).remaining, 5, id);
          assert.equal(await admitted([rs.limiter(id)], 9), 5, id);
        }
      },
    },
    {
      name: "penalize takes units whatever the limit says, and later calls wait for them",
      covers: ["law.1"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 1, burst: 5 });
        await limiter.penalize(7);
        const denied = await limiter.tryAcquire();
        assert.equal(denied.allowed, false);
        assert.equal(denied.retryAfterMs, 3_000);
      },
    },
    {
      name: "penalize and settle charge a blocked key at once, not when its block ends",
      covers: ["law.1"],
      async run(bench) {
        const several = { limits: [fivePerMinute, { limit: 5, windowMs: 60_000 }] };
        const rs = bench.instance({ window: fivePerMinute, bucket: { limit: 5, windowMs: 60_000 }, several });
        for (const id of ["window", "bucket", "several"] as const) {
          const reservation = await rs.reserve(id);
          await rs.block(id, 3_600_000);
          await rs.penalize(id, 1);
          await reservation.settle(2);
          await rs.block(id, 0);
          assert.equal((await rs.peek(id)).remaining, 2, id);
        }
      },
    },
    {
      name: "penalize and settle charge up to a hundred times what a limit holds, and say what they charged",
      covers: ["law.1"],
      async run(bench) {
        const rs = bench.instance({ window: fivePerMinute, bucket: { ratePerSecond: 1, burst: 5 } });
        for (const [id, spanMs] of [["window", 60_000], ["bucket", 5_000]] as const) {
          assert.deepEqual(await rs.penalize(id, 7), { charged: 7, uncharged: 0 });
          await rs.reset(id);
          const reservation = await rs.reserve(id, { cost: 2 });
          assert.deepEqual(await reservation.settle(1), { charged: 1, uncharged: 0 });
          await rs.reset(id);
          const other = await rs.reserve(id, { cost: 2 });
          assert.deepEqual(await other.settle(1_000_000), { charged: 502, uncharged: 999_498 });
          const denied = await rs.tryAcquire(id);
          assert.equal(denied.allowed, false);
          assert.ok(denied.retryAfterMs > 99 * spanMs, `${denied.retryAfterMs} ms, ${id}`);
          await rs.reset(id);
          assert.deepEqual(await rs.penalize(id, 501), { charged: 500, uncharged: 1 });
        }
      },
    },
    {
      name: "penalize charges nothing for a time after the year 2184, and no call waits for so long",
      covers: ["law.1"],
      async run(bench) {
        const decade = { limit: 1, windowMs: 10 * 365 * 86_400_000 };
        const rs = bench.instance({ bucket: decade, window: { ...decade, algorithm: "fixed_window" } });
        for (const id of ["bucket", "window"] as const) {
          const { charged, uncharged } = await rs.penalize(id, 100);
          assert.ok(charged > 4 && charged < 99, `${charged} decades`);
          assert.equal(charged + uncharged, 100);
          assert.deepEqual(await rs.penalize(id, 1), { charged: 0, uncharged: 1 });
          await assert.rejects(rs.reserve(id, { timeoutMs: Infinity }), RateLimitedError);
        }
      },
    },
    {
      name: "block denies everything on a key until it is over, and lets others be",
      covers: ["law.3"],
      async run(bench) {
        const limiter = bench.limiter(fivePerMinute);
        await limiter.block(90_000, { key: "a" });
        const denied = await limiter.tryAcquire({ key: "a" });
        assert.deepEqual([denied.allowed, denied.reason, denied.retryAfterMs], [false, "blocked", 90_000]);
        assert.equal((await limiter.tryAcquire({ key: "b" })).allowed, true);
        await bench.clock.advance(89_999.999);
        assert.equal((await limiter.tryAcquire({ key: "a" })).allowed, false);
        await bench.clock.advance(0.001);
        assert.equal((await limiter.tryAcquire({ key: "a" })).allowed, true);
      },
    },
    {
      name: "block leaves a longer one as it is, where that is asked for",
      covers: ["5.12.testing"],
      async run(bench) {
        const several = { limits: [{ limit: 5, windowMs: 60_000 }, { limit: 9, windowMs: 120_000 }] };
        const options = { a: fivePerMinute, b: { ratePerSecond: 1 }, c: { maxConcurrent: 1 }, d: several };
        for (const [id, each] of Object.entries(options)) {
          const limiter = bench.instance({ [id]: each }).limiter(id);
          const blockedMs = async () => (await limiter.tryAcquire()).retryAfterMs;
          await limiter.block(2_000, { keepLonger: true });
          await limiter.block(1_000, { keepLonger: true });
          assert.equal(await blockedMs(), 2_000, id);
          await limiter.block(3_000, { keepLonger: true });
          assert.equal(await blockedMs(), 3_000, id);
          await limiter.block(1_000);
          assert.equal(await blockedMs(), 1_000, id);
        }
      },
    },
    {
      name: "block is lifted by a block of 0, and by a reset",
      covers: ["5.12.testing"],
      async run(bench) {
        for (
          const [id, options] of [["a", fivePerMinute], ["b", { ratePerSecond: 1 }], ["c", {
            maxConcurrent: 1,
          }]] as const
        ) {
          const limiter = bench.instance({ [id]: options }).limiter(id);
          await limiter.block(1_000);
          assert.equal((await limiter.peek()).reason, "blocked", id);
          await limiter.block(0);
          assert.equal((await limiter.peek()).allowed, true, id);
          await limiter.block(1_000);
          await limiter.reset();
          assert.equal((await limiter.peek()).allowed, true, id);
        }
      },
    },
    {
      name: "reset makes what was reserved before it count no more, also where that is given back later",
      covers: ["law.1"],
      async run(bench) {
        const several = { limits: [fivePerMinute, { limit: 5, windowMs: 60_000 }] };
        const rs = bench.instance({ window: fivePerMinute, bucket: { limit: 5, windowMs: 60_000 }, several });
        for (const id of ["window", "bucket", "several"] as const) {
          const reservation = await rs.reserve(id, { cost: 5 });
          await bench.clock.advance(1);
          await rs.reset(id);
          await bench.clock.advance(1);
          assert.equal(await admitted([rs.limiter(id)], 7), 5, id);
          await reservation.cancel();
          assert.equal(await admitted([rs.limiter(id)], 7), 0, id);
        }
      },
    },
    {
      name: "reserve takes cost for a stated instant, and others come after it",
      covers: ["law.10"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 1 });
        const first = await limiter.reserve();
        const second = await limiter.reserve();
        assert.deepEqual([first.waitMs, second.waitMs], [0, 1_000]);
        assert.equal(second.readyAtMs, bench.clock.nowUs() / 1_000 + 1_000);
        assert.equal((await limiter.tryAcquire()).retryAfterMs, 2_000);
        const ready = bench.watch(second.ready());
        await bench.clock.advance(1_000);
        assert.equal(ready.afterMs, 1_000);
      },
    },
    {
      name: "a reservation gives back what was not used, and takes what was used beyond it",
      covers: ["law.1"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 1, burst: 10 });
        await (await limiter.reserve({ cost: 5 })).settle(2);
        assert.equal((await limiter.peek()).remaining, 8);
        await (await limiter.reserve({ cost: 3 })).settle(5);
        assert.equal((await limiter.peek()).remaining, 3);
        const cancelled = await limiter.reserve({ cost: 3 });
        await cancelled.cancel();
        await cancelled.settle(3);
        assert.equal((await limiter.peek()).remaining, 3);
      },
    },
    {
      name: "a reservation is refused, and takes nothing, where its instant is too far away",
      covers: ["5.12.missing.partial"],
      async run(bench) {
        const limiter = bench.limiter({ ratePerSecond: 1 });
        await limiter.reserve();
        await assert.rejects(limiter.reserve({ timeoutMs: 999 }), { code: "RATE_LIMITED" });
        assert.equal((await limiter.peek()).retryAfterMs, 1_000);
      },
    },
    {
      name: "reset serves those who wait for a unit, in their order, in all instances",
      covers: ["law.10"],
      async run(bench) {
        const options = { ratePerSecond: 1, timeoutMs: 60_000 } as const;
        const one = bench.limiter(options);
        const other = bench.pushes ? bench.limiter(options) : one;
        await one.acquire();
        const waiters = [];
        for (const limiter of [one, one, other, other]) {
          waiters.push(bench.watch(limiter.acquire()));
          await bench.settle();
        }
        await bench.clock.advance(500);
        await one.reset();
        await bench.clock.advance(4_000);
        const [a, b, c, d] = waiters.map(({ afterMs }) => afterMs as number);
        assert.deepEqual([a, b, c, d].toSorted((x, y) => (x as number) - (y as number)), [500, 1_500, 2_500, 3_500]);
        assert.ok((a as number) < (b as number) && (c as number) < (d as number));
      },
    },
    {
      name: "block holds back those who wait for a unit until it ends, in all instances",
      covers: ["law.10"],
      async run(bench) {
        const options = { ratePerSecond: 1, timeoutMs: 60_000 } as const;
        const one = bench.limiter(options);
        const other = bench.pushes ? bench.limiter(options) : one;
        await one.acquire();
        const waiters = [];
        for (const limiter of [one, other, other]) {
          waiters.push(bench.watch(limiter.acquire()));
          await bench.settle();
        }
        await bench.clock.advance(500);
        await one.block(10_000);
        await bench.clock.advance(9_999.999);
        assert.deepEqual(waiters.map(({ pending }) => pending), [true, true, true]);
        await bench.clock.advance(5_000);
        for (const { afterMs } of waiters) assert.ok((afterMs as number) >= 10_500);
      },
    },
    {
      name: "a block that leaves a longer one as it is moves no one who waits beyond it",
      covers: ["law.10"],
      async run(bench) {
        const options = { ratePerSecond: 0.1, timeoutMs: 60_000 } as const;
        const one = bench.limiter(options);
        const other = bench.pushes ? bench.limiter(options) : one;
        await one.acquire();
        const waiter = bench.watch(other.acquire());
        await bench.settle();
        await one.block(1_000, { keepLonger: true });
        await bench.clock.advance(10_000);
        assert.equal(waiter.afterMs, 10_000);
      },
    },
  ],
};
