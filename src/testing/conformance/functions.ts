/**
 * Functions that run under a limiter: acquire, call, release.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { Topic } from "./bench.ts";

const limiters = {
  permit: { maxConcurrent: 1, timeoutMs: 50 },
  window: { algorithm: "sliding_window", limit: 5, windowMs: 60_000 },
} as const;

/** Cases on `run` and `rateLimited`. */
export const functions: Topic = {
  topic: "functions",
  cases: [
    {
      name: "take one unit a call, and give the result through",
      covers: ["5.12.decorators"],
      async run(bench) {
        const rs = bench.instance(limiters);
        const double = rs.rateLimited((n: number) => n * 2, { limiter: "window" });
        assert.deepEqual([await double(2), await double(4)], [4, 8]);
        assert.equal((await rs.peek("window")).remaining, 3);
      },
    },
    {
      name: "hold the permit while they run, and release it whatever happens",
      covers: ["5.12.decorators"],
      async run(bench) {
        const rs = bench.instance(limiters);
        const failure = new Error("failure");
        const remaining = rs.rateLimited(async () => (await rs.peek("permit")).remaining, { limiter: "permit" });
        const fail = rs.rateLimited(() => Promise.reject(failure), { limiter: "permit" });
        const failNow = rs.rateLimited(() => {
          throw failure;
        }, { limiter: "permit" });
        assert.equal(await remaining(), 0);
        await assert.rejects(fail(), failure);
        await assert.rejects(failNow(), failure);
        assert.equal(await remaining(), 0);
        assert.equal((await rs.peek("permit")).remaining, 1);
      },
    },
    {
      name: "wait as long as they say, else as long as the limiter says",
      covers: ["5.12.decorators"],
      async run(bench) {
        const rs = bench.instance(limiters);
        await rs.acquire("permit");
        const waits = [[undefined, 50], [0, 0], [200, 200]] as const;
        for (const [timeoutMs, expectedMs] of waits) {
          const options = timeoutMs === undefined ? {} : { timeoutMs };
          let called = false;
          const call = bench.watch(rs.rateLimited(() => void (called = true), { limiter: "permit", ...options })());
          await bench.clock.advance(1_000);
          assert.equal(call.errorCode, "RATE_LIMITED");
          assert.equal(call.afterMs, expectedMs);
          assert.equal(called, false);
        }
      },
    },
    {
      name: "take key and cost from their arguments",
      covers: ["5.12.decorators"],
      async run(bench) {
        const rs = bench.instance(limiters);
        const send = rs.rateLimited((to: string, parts: number) => `${to}:${parts}`, {
          limiter: "window",
          key: (to) => to,
          cost: (_to, parts) => parts,
        });
        assert.equal(await send("a", 3), "a:3");
        assert.equal((await rs.peek("window", { key: "a" })).remaining, 2);
        assert.equal((await rs.peek("window", { key: "b" })).remaining, 5);
      },
    },
    {
      name: "reject, and take nothing, when their key cannot be told",
      covers: ["5.12.decorators"],
      async run(bench) {
        const rs = bench.instance(limiters);
        const failure = new Error("no key");
        const limited = rs.rateLimited(() => "called", {
          limiter: "window",
          key: () => {
            throw failure;
          },
        });
        await assert.rejects(limited(), failure);
        assert.equal(rs.metrics("window").totalAcquisitions, 0);
      },
    },
    {
      name: "keep name, number of arguments and `this`",
      covers: ["5.12.decorators"],
      async run(bench) {
        const rs = bench.instance(limiters);
        function greet(this: { greeting: string }, name: string, _mark: string): string {
          return `${this.greeting}, ${name}`;
        }
        const host = { greeting: "Hello", greet: rs.rateLimited(greet, { limiter: "window" }) };
        assert.equal(await host.greet("you", "!"), "Hello, you");
        assert.deepEqual([host.greet.name, host.greet.length], ["greet", 2]);
      },
    },
    {
      name: "that are wrapped once open the store once, at the first call",
      covers: ["5.12.decorators"],
      async run(bench) {
        const rs = bench.instance(limiters);
        const limited = rs.rateLimited(() => "done", { limiter: "window" });
        assert.equal(rs.listStores()["s"]?.open, false);
        assert.deepEqual(await Promise.all([limited(), limited()]), ["done", "done"]);
        assert.equal(rs.listStores()["s"]?.open, true);
      },
    },
  ],
};
