/**
 * Leases: a permit outlives its holder by the time to live at most, and never ends while it is renewed.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { Topic } from "./bench.ts";
import { admitted } from "./load.ts";

const onePermit = { maxConcurrent: 1, leaseTtlMs: 3_000 } as const;

/** Cases on leases. */
export const leases: Topic = {
  topic: "leases",
  cases: [
    {
      name: "free the permit of a crashed holder exactly when its time to live is over",
      covers: ["5.12.missing.lease", "law.11"],
      async run(bench) {
        const limiter = bench.limiter(onePermit);
        await bench.takeAndCrash(limiter);
        await bench.clock.advance(2_999.999);
        assert.equal((await limiter.tryAcquire()).retryAfterMs, 0.001);
        await bench.clock.advance(0.001);
        assert.equal((await limiter.tryAcquire()).allowed, true);
      },
    },
    {
      name: "let one who waits have the permit of a crashed holder exactly then",
      covers: ["5.12.missing.lease", "law.11"],
      async run(bench) {
        const limiter = bench.limiter(onePermit);
        await bench.takeAndCrash(limiter);
        await bench.clock.advance(500);
        const [first, second] = [bench.watch(limiter.acquire()), bench.watch(limiter.acquire())];
        await bench.clock.advance(2_499.999);
        assert.equal(first.pending, true);
        await bench.clock.advance(0.001);
        assert.equal(first.afterMs, 2_500);
        await bench.clock.advance(60);
        assert.equal(second.pending, true);
        await first.result.release();
        await bench.settle();
        assert.equal(second.afterMs, 2_560);
      },
    },
    {
      name: "last as long as they are held, through many times their time to live",
      covers: ["5.12.missing.lease", "law.1"],
      async run(bench) {
        const limiter = bench.limiter(onePermit);
        const permit = await limiter.acquire();
        for (let i = 0; i < 10; i++) {
          await bench.clock.advance(3_000);
          assert.equal((await limiter.tryAcquire()).allowed, false);
        }
        assert.equal(permit.lost.aborted, false);
        await permit.release();
        assert.equal((await limiter.tryAcquire()).allowed, true);
      },
    },
    {
      name: "are lost by a holder who was away for too long, and never held by two",
      covers: ["5.12.missing.lease", "law.1"],
      async run(bench) {
        const limiter = bench.limiter(onePermit);
        const paused = await limiter.acquire();
        bench.clock.set(bench.clock.nowUs() + 3_000_000);
        const other = bench.instance({ api: onePermit }).limiter("api");
        const next = await other.tryAcquire();
        assert.equal(next.allowed, true);
        await bench.clock.advance(0);
        assert.equal(paused.lost.aborted, true);
        assert.equal((paused.lost.reason as { code?: string }).code, "LEASE_LOST");
        assert.equal(limiter.metrics().leasesLost, 1);
        await paused.release();
        assert.equal(await admitted([limiter, other], 4), 0);
      },
    },
    {
      name: "are kept by a holder that was away for too long if no other call wanted the permit",
      covers: ["5.12.missing.lease"],
      async run(bench) {
        const limiter = bench.limiter(onePermit);
        const permit = await limiter.acquire();
        bench.clock.set(bench.clock.nowUs() + 3_000_000);
        await bench.clock.advance(0);
        assert.equal(permit.lost.aborted, false);
        assert.equal(await admitted([limiter], 3), 0);
      },
    },
    {
      name: "are not freed when the clock steps back",
      covers: ["5.12.missing.clock", "law.8"],
      async run(bench) {
        const limiter = bench.limiter(onePermit);
        await bench.takeAndCrash(limiter);
        bench.clock.set(bench.clock.nowUs() - 10_000_000);
        assert.equal((await limiter.tryAcquire()).allowed, false);
      },
    },
    {
      name: "carry fencing tokens that only grow, be it at one instant or when the clock steps back",
      covers: ["5.12.missing.lease", "law.8"],
      async run(bench) {
        const limiter = bench.limiter(onePermit);
        const tokens: number[] = [];
        for (let i = 0; i < 4; i++) {
          const permit = await limiter.acquire();
          tokens.push(permit.fencingToken as number);
          await permit.release();
          if (i === 2) bench.clock.set(bench.clock.nowUs() - 5_000_000);
        }
        assert.deepEqual(tokens, [...new Set(tokens)].sort((a, b) => a - b));
      },
    },
    {
      name: "of one who releases what was lost do not end the next holder's",
      covers: ["5.12.missing.release"],
      async run(bench) {
        const limiter = bench.limiter(onePermit);
        const id = await bench.takeAndCrash(limiter);
        await bench.clock.advance(3_000);
        assert.equal((await limiter.tryAcquire()).allowed, true);
        await bench.store.execute({ op: "release", id, targets: [bench.targetOf(limiter)] });
        assert.equal((await limiter.tryAcquire()).allowed, false);
      },
    },
  ],
};
