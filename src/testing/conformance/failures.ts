/**
 * What a limiter does when its store cannot be reached.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { Topic } from "./bench.ts";
import { admitted } from "./load.ts";

const window = { algorithm: "sliding_window", limit: 2, windowMs: 60_000, maxConcurrent: 2 } as const;

/** Cases on a store that is out of reach. */
export const failures: Topic = {
  topic: "failures",
  cases: [
    {
      name: "fail closed: every call is denied, and says that the store is the reason",
      covers: ["5.11.redis", "5.11.fail"],
      async run(bench) {
        const limiter = bench.limiter({ ...window, failClosed: true });
        bench.breakStore();
        const denied = await limiter.tryAcquire();
        assert.deepEqual([denied.allowed, denied.reason, denied.degraded], [false, "store", true]);
        await assert.rejects(limiter.acquire(), { code: "RATE_LIMITED" });
        assert.equal((await limiter.peek()).allowed, false);
      },
    },
    {
      name: "fail open: every call is allowed, and says that it was not counted",
      covers: ["5.11.redis", "5.11.fail"],
      async run(bench) {
        const limiter = bench.limiter({ ...window, onStoreError: "allow" });
        bench.breakStore();
        for (let i = 0; i < 5; i++) {
          const permit = await limiter.acquire();
          assert.equal(permit.decision.degraded, true);
          await permit.release();
        }
        assert.equal((await limiter.tryAcquire()).allowed, true);
        assert.equal((await limiter.peek()).allowed, true);
      },
    },
    {
      name: "fail local: this process keeps to the limit by itself",
      covers: ["5.11.fail"],
      async run(bench) {
        const limiter = bench.limiter(window);
        bench.breakStore();
        const first = await limiter.tryAcquire();
        assert.deepEqual([first.allowed, first.degraded], [true, true]);
        assert.equal(await admitted([limiter], 5), 1);
      },
    },
    {
      name: "fail with the store's error where the limiter asks for it",
      covers: ["5.11.fail"],
      async run(bench) {
        const limiter = bench.limiter({ ...window, onStoreError: "throw" });
        bench.breakStore();
        await assert.rejects(limiter.tryAcquire(), { code: "STORE_UNAVAILABLE" });
        await assert.rejects(limiter.acquire(), { code: "STORE_UNAVAILABLE" });
        assert.ok(limiter.metrics().storeErrors > 0);
      },
    },
    {
      name: "do not reach a release: the lease ends by itself",
      covers: ["5.11.fail", "law.11"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 1, leaseTtlMs: 3_000 });
        const permit = await limiter.acquire();
        bench.breakStore();
        await permit.release();
        bench.store.failure = undefined;
        await bench.clock.advance(3_000);
        const other = bench.limiter({ maxConcurrent: 1, leaseTtlMs: 3_000 });
        assert.equal((await other.tryAcquire()).allowed, true);
      },
    },
  ],
};
