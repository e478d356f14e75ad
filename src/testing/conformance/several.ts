/**
 * Several limiters in one decision: all of them, or none.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { Bench, Topic } from "./bench.ts";

const limiters = {
  by_ip: { algorithm: "sliding_window", limit: 20, windowMs: 60_000 },
  by_email: { algorithm: "sliding_window", limit: 10, windowMs: 60_000 },
  paced: { ratePerSecond: 1 },
  permits: { maxConcurrent: 1 },
  others: { maxConcurrent: 2 },
  user: { ratePerSecond: 0.1 },
  one: { maxConcurrent: 1 },
  two: { maxConcurrent: 1 },
} as const;

const login = (ip: string, email: string) =>
  [{ limiter: "by_ip", key: ip }, { limiter: "by_email", key: email }] as const;

async function left(bench: Bench, ip: string, email: string): Promise<number[]> {
  const rs = bench.instance(limiters);
  return [await rs.peek("by_ip", { key: ip }), await rs.peek("by_email", { key: email })].map((state) =>
    state.remaining
  );
}

/** Cases on decisions over several limiters. */
export const several: Topic = {
  topic: "several limiters",
  cases: [
    {
      name: "that all allow report the tightest",
      covers: ["5.12.composite"],
      async run(bench) {
        const decision = await bench.instance(limiters).tryAcquireAll(login("ip", "a@b.c"));
        assert.equal(decision.allowed, true);
        assert.deepEqual([decision.limit, decision.remaining], [10, 9]);
        assert.deepEqual(decision.limits.map((limit) => limit.limiter), ["by_ip", "by_email"]);
      },
    },
    {
      name: "of which one denies name it, and none is charged",
      covers: ["5.12.composite", "5.12.missing.composite", "5.12.missing.partial", "law.7"],
      async run(bench) {
        const rs = bench.instance(limiters);
        for (let i = 0; i < 10; i++) assert.equal((await rs.tryAcquireAll(login("ip", "a@b.c"))).allowed, true);
        for (let i = 0; i < 3; i++) {
          const denied = await rs.tryAcquireAll(login("ip", "a@b.c"));
          assert.deepEqual([denied.allowed, denied.limiter, denied.remaining], [false, "by_email", 0]);
        }
        assert.deepEqual(await left(bench, "ip", "a@b.c"), [10, 0]);
      },
    },
    {
      name: "of which one is blocked name it, and until when",
      covers: ["5.12.composite"],
      async run(bench) {
        const rs = bench.instance(limiters);
        await rs.block("by_email", 5_000, { key: "a@b.c" });
        for (
          const decide of [
            rs.tryAcquireAll(login("ip", "a@b.c")),
            rs.tryAcquireAll([...login("ip", "a@b.c"), { limiter: "permits" }]),
          ]
        ) {
          const { limiter, key, reason, retryAfterMs, deniedBy } = await decide;
          assert.deepEqual({ limiter, key, reason, retryAfterMs }, {
            limiter: "by_email",
            key: "a@b.c",
            reason: "blocked",
            retryAfterMs: 5_000,
          });
          assert.deepEqual(deniedBy, { limiter: "by_email", keyClass: "key", limit: undefined, rule: "block" });
        }
      },
    },
    {
      name: "count each identity by itself",
      covers: ["5.12.composite"],
      async run(bench) {
        const rs = bench.instance(limiters);
        for (let i = 0; i < 10; i++) await rs.acquireAll(login("ip", "a@b.c"));
        assert.equal((await rs.tryAcquireAll(login("ip", "other@b.c"))).allowed, true);
        assert.equal((await rs.tryAcquireAll(login("other", "a@b.c"))).allowed, false);
        assert.deepEqual(await left(bench, "other", "other@b.c"), [20, 9]);
      },
    },
    {
      name: "admit exactly the smallest limit of calls made at once",
      covers: ["5.12.missing.composite", "law.7"],
      async run(bench) {
        const instances = [bench.instance(limiters), bench.instance(limiters)] as const;
        const decisions = await Promise.all(Array.from({ length: 30 }, (_, i) => {
          return (instances[i % 2] as typeof instances[0]).tryAcquireAll(login("ip", "a@b.c"));
        }));
        assert.equal(decisions.filter((decision) => decision.allowed).length, 10);
        assert.deepEqual(await left(bench, "ip", "a@b.c"), [10, 0]);
      },
    },
    {
      name: "hold up no other caller of a permit while one caller waits for its own rate",
      covers: ["law.10", "law.17"],
      async run(bench) {
        const rs = bench.instance(limiters);
        const both = (key: string) => [{ limiter: "user", key }, { limiter: "others" }] as const;
        await (await rs.acquireAll(both("slow"))).release();
        const slow = bench.watch(rs.acquireAll(both("slow")));
        await bench.settle();
        const now = await rs.tryAcquireAll(both("quick"));
        assert.equal(now.allowed, true, "every permit is free");
        const next = bench.watch(bench.instance(limiters).acquireAll(both("next")));
        await bench.settle();
        assert.equal(next.pending, false, "no call lacks a permit");
        assert.equal((await rs.tryAcquire("others")).reason, "concurrency", "the two that hold it are the only ones");
        await now.permit?.release();
        await next.result.release();
        await bench.clock.advance(10_000);
        await bench.settle();
        assert.equal(slow.pending, false, "served when its rate allows");
        await slow.result.release();
        assert.equal((await rs.peek("others")).remaining, 2);
      },
    },
    {
      name: "are not overtaken again and again: each permit is missed once at most",
      covers: ["law.10", "law.17"],
      async run(bench) {
        const rs = bench.instance(limiters);
        const order: string[] = [];
        const take = async (name: string, ...ids: ("one" | "two")[]) => {
          const permit = await bench.instance(limiters).acquireAll(ids.map((limiter) => ({ limiter })));
          order.push(name);
          return permit;
        };
        const second = await rs.acquire("two");
        const all = take("both", "one", "two"); // queues for the second: the first is free
        await bench.settle();
        await bench.clock.advance(1); // who came first counts, and these come later
        const first = await rs.acquire("one");
        const others = [take("one", "one"), take("two", "two")] as const;
        await bench.settle();
        await second.release(); // it is first in line, but the first limiter is held: the next one for the second goes on
        await bench.settle();
        assert.deepEqual(order, ["two"]);
        await first.release(); // it is first in line, and from now on the first limiter is kept for it
        await bench.settle();
        assert.deepEqual(order, ["two"]);
        await (await others[1]).release();
        await bench.settle();
        assert.deepEqual(order, ["two", "both"]);
        await (await all).release();
        await bench.settle();
        assert.deepEqual(order, ["two", "both", "one"]);
        await (await others[0]).release();
      },
    },
    {
      name: "that wait keep free what they need, and no more",
      covers: ["law.17"],
      async run(bench) {
        const options = { few: { maxConcurrent: 2 }, many: { maxConcurrent: 3 } };
        const rs = bench.instance(options);
        const both = [{ limiter: "few" }, { limiter: "many" }] as const;
        const few = [await rs.acquire("few"), await rs.acquire("few")] as const;
        const waiting = bench.watch(bench.instance(options).acquireAll(both));
        await bench.settle();
        const many = await Promise.all([rs.acquire("many"), rs.acquire("many"), rs.acquire("many")]);
        await few[0].release(); // kept for the one that waits, which lacks the other limiter now
        await bench.settle();
        assert.equal((await rs.tryAcquire("few")).allowed, false);
        await few[1].release();
        const rest = await rs.tryAcquire("few");
        assert.equal(rest.allowed, true, "it needs one of two");
        assert.equal(waiting.pending, true);
        await many[0].release();
        await bench.settle();
        assert.equal(waiting.pending, false);
        for (const permit of [waiting.result, many[1], many[2], rest.permit]) await permit?.release();
        assert.deepEqual([(await rs.peek("few")).remaining, (await rs.peek("many")).remaining], [2, 3]);
      },
    },
    {
      name: "that are one and the same key twice add up",
      covers: ["law.6"],
      async run(bench) {
        const rs = bench.instance(limiters);
        await rs.acquireAll([{ limiter: "by_ip", key: "k", cost: 3 }, { limiter: "by_ip", key: "k" }]);
        assert.equal((await rs.peek("by_ip", { key: "k" })).remaining, 16);
      },
    },
    {
      name: "wait together exactly until the last agrees",
      covers: ["law.3", "law.7"],
      async run(bench) {
        const rs = bench.instance(limiters);
        await rs.acquire("paced");
        const both = bench.watch(rs.acquireAll([{ limiter: "by_ip", key: "k" }, { limiter: "paced" }]));
        await bench.clock.advance(999.999);
        assert.equal(both.pending, true);
        await bench.clock.advance(0.001);
        assert.equal(both.result.waitedMs, 1_000);
      },
    },
    {
      name: "take no permit anywhere while one of them is full, and all when it is free",
      covers: ["5.12.missing.composite", "law.7", "law.10"],
      async run(bench) {
        const rs = bench.instance(limiters);
        const holder = await rs.acquire("permits");
        const both = bench.watch(rs.acquireAll([{ limiter: "others" }, { limiter: "permits" }, { limiter: "by_ip" }]));
        await bench.settle();
        assert.equal(both.pending, true);
        assert.equal((await rs.peek("others")).remaining, 2);
        assert.equal((await rs.peek("by_ip")).remaining, 20);
        await holder.release();
        await bench.settle();
        assert.equal((await rs.peek("others")).remaining, 1);
        await both.result.release();
        assert.deepEqual([(await rs.peek("others")).remaining, (await rs.peek("permits")).remaining], [2, 1]);
      },
    },
    {
      name: "give up together, and leave nothing behind",
      covers: ["5.12.missing.cancellation", "5.12.missing.partial", "law.7"],
      async run(bench) {
        const rs = bench.instance(limiters);
        const holder = await rs.acquire("permits");
        const asks = [{ limiter: "permits" }, { limiter: "others" }, { limiter: "by_ip" }] as const;
        await assert.rejects(bench.clock.runUntil(rs.acquireAll(asks, { timeoutMs: 100 })), { code: "RATE_LIMITED" });
        const controller = new AbortController();
        const aborted = bench.watch(rs.acquireAll(asks, { signal: controller.signal }));
        await bench.settle();
        controller.abort(new Error("never mind"));
        await bench.settle();
        assert.equal((aborted.error as Error).message, "never mind");
        await holder.release();
        await bench.settle();
        const states = [await rs.peek("permits"), await rs.peek("others"), await rs.peek("by_ip")];
        assert.deepEqual(states.map((state) => state.remaining), [1, 2, 20]);
      },
    },
    {
      name: "of which none is named are refused",
      covers: ["5.12.composite"],
      async run(bench) {
        const rs = bench.instance(limiters);
        await assert.rejects(rs.acquireAll([]), TypeError);
        await assert.rejects(rs.tryAcquireAll([]), TypeError);
      },
    },
  ],
};
