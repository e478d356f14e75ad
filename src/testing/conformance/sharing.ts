/**
 * Sharing: several instances on one store keep to one limit together, exactly.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { Limiter } from "../../limiter/limiter.ts";
import type { LimiterOptions } from "../../policy/options.ts";
import type { Bench, Topic } from "./bench.ts";
import { admitted, saturate } from "./load.ts";

/** The same limiter in three processes, as far as the store can tell. */
function three(bench: Bench, options: LimiterOptions): Limiter[] {
  return [bench.limiter(options), bench.limiter(options), bench.limiter(options)];
}

/** Cases on instances that share a store. */
export const sharing: Topic = {
  topic: "sharing",
  cases: [
    {
      name: "a rate of 50/s admits exactly 50 in a second, whatever the load",
      covers: ["5.10.3"],
      async run(bench) {
        const times = await saturate(bench, Array(5).fill(bench.limiter({ ratePerSecond: 50 })), 1_000);
        assert.deepEqual(times, Array.from({ length: 50 }, (_, i) => i * 20));
      },
    },
    {
      name: "three instances together admit exactly 30/s",
      covers: ["5.10.7", "5.11.redis"],
      async run(bench) {
        const times = await saturate(bench, three(bench, { ratePerSecond: 30 }), 1_000);
        assert.equal(times.length, 30);
      },
    },
    {
      name: "three instances together admit exactly 30 in one window",
      covers: ["5.10.8"],
      async run(bench) {
        const options = { algorithm: "sliding_window", limit: 30, windowMs: 60_000 } as const;
        assert.equal(await admitted(three(bench, options), 90), 30);
      },
    },
    {
      name: "three instances together admit exactly 10 of 15",
      covers: ["5.10.14"],
      async run(bench) {
        const options = { algorithm: "sliding_window", limit: 10, windowMs: 5_000 } as const;
        assert.equal(await admitted(three(bench, options), 15), 10);
      },
    },
    {
      name: "500 calls at once all get a true answer: none fails, none passes the limit",
      covers: ["5.10.9", "5.12.missing.pool"],
      async run(bench) {
        const options = { limit: 100, windowMs: 60_000, algorithm: "sliding_window" } as const;
        assert.equal(await admitted(three(bench, options), 500), 100);
      },
    },
    {
      name: "two instances at 1/s are served exactly 1 s apart",
      covers: ["5.10.12"],
      async run(bench) {
        const [one, other] = [bench.limiter({ ratePerSecond: 1 }), bench.limiter({ ratePerSecond: 1 })];
        assert.equal((await one.acquire()).waitedMs, 0);
        assert.equal((await bench.clock.runUntil(other.acquire())).waitedMs, 1_000);
      },
    },
    {
      name: "a rate of 100/s admits exactly 100 in each of three seconds",
      covers: ["5.10.17", "5.10.25"],
      async run(bench) {
        const times = await saturate(bench, [bench.limiter({ ratePerSecond: 100 })], 3_000);
        const perSecond = [0, 1, 2].map((second) => times.filter((ms) => Math.floor(ms / 1_000) === second).length);
        assert.deepEqual(perSecond, [100, 100, 100]);
      },
    },
    {
      name: "1000 keys each have limits of their own",
      covers: ["5.10.24"],
      async run(bench) {
        // On a slow machine, 2000 decisions take longer than a second.
        const slow = { decisionTimeoutMs: 60_000 };
        const limiter = bench.limiter({ algorithm: "sliding_window", limit: 1, windowMs: 60_000, ...slow });
        const keyed = Array.from({ length: 1_000 }, (_, i) => limiter.for(`id-${i}`));
        assert.equal(await admitted(keyed, 2_000), 1_000);
      },
    },
    {
      name: "permits are shared by instances, and never exceeded by them",
      covers: ["5.11.redis", "law.1"],
      async run(bench) {
        const limiters = three(bench, { maxConcurrent: 4 });
        assert.equal(await admitted(limiters, 12), 4);
      },
    },
    {
      name: "a permit that one instance frees goes to one who waits in another",
      covers: ["5.11.redis", "law.10"],
      async run(bench) {
        const [one, other] = [bench.limiter({ maxConcurrent: 1 }), bench.limiter({ maxConcurrent: 1 })];
        const holder = await one.acquire();
        const waiter = bench.watch(other.acquire());
        await bench.clock.advance(10);
        await holder.release();
        await bench.settle();
        assert.equal(waiter.result.waitedMs, 10);
      },
    },
    {
      name: "two stores share nothing",
      covers: ["5.11.redis"],
      async run(bench) {
        const options = { ratePerSecond: 1, maxConcurrent: 1 };
        const second = bench.limiter(options, await bench.openAnotherStore());
        assert.equal((await bench.limiter(options).tryAcquire()).allowed, true);
        assert.equal((await second.tryAcquire()).allowed, true);
        assert.equal((await second.tryAcquire()).allowed, false);
      },
    },
  ],
};
