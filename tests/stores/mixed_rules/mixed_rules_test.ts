import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import fc from "fast-check";

import { algorithmOf } from "../../../src/algorithms/mod.ts";
import type { LimiterOptions } from "../../../src/policy/options.ts";
import type { Policy } from "../../../src/policy/policy.ts";
import { compilePolicy } from "../../../src/policy/compile_policy.ts";
import { KeyNames } from "../../../src/stores/redis/keys.ts";
import { formOf } from "../../../src/stores/redis/rules.ts";
import { marksOf, type TakeReply, type Target } from "../../../src/stores/store.ts";
import { runs } from "../../_support/arbitraries.ts";
import { admits, fullRefillUs } from "../../_support/auditor/bounds.ts";
import { aboveLarger } from "../../_support/auditor/mixed.ts";
import { assertPipelined, eachPipelined } from "../../_support/properties.ts";
import { assertSame } from "../../_support/same.ts";
import { plain } from "../../_support/store_parity.ts";
import { Connections, Lab } from "../_lab.ts";
import { assertTogether, PAIRS } from "./_changed_rules.ts";
import { MixedKey, Model } from "./_mixed_rules.ts";

const usArb = fc.oneof(fc.constantFrom(0, 0, 1, 1_000), fc.integer({ min: 0, max: 3_000_000 }));
const costArb = fc.integer({ min: 1, max: 3 });
const usesArb = fc.array(fc.record({ us: usArb, cost: costArb }), { minLength: 1, maxLength: 24 });
const scheduleArb = fc.array(
  fc.record({ process: fc.constantFrom(0 as const, 1 as const), us: usArb, cost: costArb }),
  {
    minLength: 1,
    maxLength: 50,
  },
);

const HOUR_MS = 3_600_000;
const BUCKET = compilePolicy({ limit: 5, windowMs: HOUR_MS });
const OTHER_BUCKET = compilePolicy({ limit: 7, windowMs: HOUR_MS, burst: 5 });
const WINDOW = compilePolicy({ algorithm: "sliding_window", limit: 5, windowMs: HOUR_MS });

let connections: Connections;
before(async () => void (connections = await Connections.open()));
after(() => connections.close());

function remaining(policy: Policy, { levels: [level] }: TakeReply): number[] {
  return policy.rates.map((rate, i) => {
    return Math.max(algorithmOf(rate.algorithm).standing(rate, level?.rates[i] ?? [0, 0]).remaining, 0);
  });
}

/** What a reply tells but for the fencing token, which is another one in each store. */
function told(reply: TakeReply): object {
  return { ...plain(reply), levels: reply.levels.map(({ rates, permits }) => ({ rates, used: permits?.used })) };
}

describe("A limiter in Redis whose rules change", () => {
  it("counts every unit on, between any two policies", { timeout: 120_000 }, async () => {
    await eachPipelined(PAIRS, async ([name, one, other]) => {
      for (let units = 0; units <= one.capacity; units++) {
        const key = new MixedKey("redis", connections);
        for (let i = 0; i < units; i++) assert.equal((await key.ask(0, one, 1)).status, "allowed", name);
        const left = remaining(other, await key.ask(1, other, 1, "peek"));
        const expected = other.rates.map(({ capacity }) => Math.max(capacity - units, 0));
        assert.deepEqual(left, expected, `${name}, ${units} used`);
      }
    });
  });

  it("decides as in memory, to the integer", { timeout: 120_000 }, async () => {
    await assertPipelined(
      fc.asyncProperty(fc.constantFrom(...PAIRS), usesArb, usesArb, async ([name, one, other], first, second) => {
        const [redis, memory] = (["redis", "memory"] as const).map((engine) => new MixedKey(engine, connections)) as [
          MixedKey,
          MixedKey,
        ];
        for (const [process, policy, uses] of [[0, one, first], [1, other, second]] as const) {
          for (const { us, cost } of uses) {
            redis.pass(us);
            memory.pass(us);
            const replies = [await redis.ask(process, policy, cost), await memory.ask(process, policy, cost)] as const;
            assertSame(told(replies[0]), told(replies[1]), () => name);
          }
        }
        assertTogether([one, other], redis.taken, name);
      }),
      { numRuns: runs(600) },
    );
  });

  it(
    "makes no call wait longer than a full refill, and as long as its decision says",
    { timeout: 120_000 },
    async () => {
      await assertPipelined(
        fc.asyncProperty(fc.constantFrom(...PAIRS), usesArb, async ([name, one, other], uses) => {
          const key = new MixedKey("redis", connections);
          for (const { us, cost } of uses) {
            key.pass(us);
            await key.ask(0, one, cost);
          }
          const { status, waitUs } = await key.ask(1, other, 1);
          if (status === "allowed") return;
          assert.ok(waitUs <= fullRefillUs(other.rates), `${name}: a wait of ${waitUs} µs`);
          key.pass(waitUs - 1);
          for (const mode of ["peek", "now"] as const) {
            assert.equal((await key.ask(1, other, 1, mode)).status, "rate", `${name}: too early`);
          }
          key.pass(1);
          for (const mode of ["peek", "now"] as const) {
            assert.equal((await key.ask(1, other, 1, mode)).status, "allowed", name);
          }
        }),
        { numRuns: runs(600) },
      );
    },
  );

  it("keeps a block", { timeout: 120_000 }, async () => {
    await eachPipelined(PAIRS, async ([name, ...policies]) => {
      const lab = new Lab("redis", connections);
      const key = new MixedKey("redis", connections);
      const [one, other] = policies.map((policy) => key.target(policy, 1)) as [Target, Target];
      await lab.take("now", one);
      await lab.ask({ op: "block", targets: [one], durationUs: 60_000_000 });
      assert.equal((await lab.take("now", other)).status, "blocked", name);
      assert.equal((await lab.take("now", one)).status, "blocked", name);
      await lab.ask({ op: "block", targets: [other], durationUs: 60_000_001 });
      lab.pass(60_000_000);
      assert.equal((await lab.take("now", other)).status, "blocked", name);
      lab.pass(1);
      assert.equal((await lab.take("now", other)).status, "allowed", name);
    });
  });
});

describe("Processes with different rules for one key in Redis", () => {
  it("each count every unit by their own rules, to the integer, as in memory", { timeout: 120_000 }, async () => {
    const engineArb = fc.constantFrom("memory" as const, "redis" as const);
    await assertPipelined(
      fc.asyncProperty(
        engineArb,
        fc.constantFrom(...PAIRS),
        scheduleArb,
        async (engine, [name, ...policies], schedule) => {
          const [key, model] = [new MixedKey(engine, connections), new Model()];
          for (const { process, us, cost } of schedule) {
            key.pass(us);
            const policy = policies[process] as Policy;
            const reply = await key.ask(process, policy, cost);
            const units = Math.min(cost, policy.capacity);
            const expected = model.take(policy, units, key.clock.nowUs());
            const actual = { waitUs: reply.waitUs, levels: reply.levels[0]?.rates.map(([a, b]) => [a, b]) };
            assertSame(actual, expected, () => `${name}, process ${process}`);
          }
        },
      ),
      { numRuns: runs(600) },
    );
  });

  it(
    "each count every unit where one small script knows both rules, and peek as they take",
    { timeout: 120_000 },
    async () => {
      const rules = fc.oneof(
        fc.record({ limit: fc.integer({ min: 1, max: 12 }), windowMs: fc.integer({ min: 1, max: 5_000 }) }),
        // Intervals of a few microseconds and a fraction, such as 3 3/5.
        fc.record({ limit: fc.constantFrom(2_000, 3_000, 5_000, 7_000), windowMs: fc.integer({ min: 8, max: 40 }) }),
        fc.record({
          algorithm: fc.constant("fixed_window" as const),
          limit: fc.integer({ min: 1, max: 12 }),
          windowMs: fc.integer({ min: 1, max: 5_000 }),
        }),
      ).map((options) => compilePolicy(options));
      const twoRules = fc.tuple(rules, rules).filter(([one, other]) => formOf(one) !== formOf(other));
      await assertPipelined(
        fc.asyncProperty(twoRules, scheduleArb, async ([one, other], schedule) => {
          const [key, model] = [new MixedKey("redis", connections), new Model()];
          for (const { process, us, cost } of schedule) {
            key.pass(us);
            const policy = [one, other][process] as Policy;
            const peeked = await key.ask(process, policy, cost, "peek");
            const reply = await key.ask(process, policy, cost);
            const expected = model.take(policy, Math.min(cost, policy.capacity), key.clock.nowUs());
            const actual = { waitUs: reply.waitUs, levels: reply.levels[0]?.rates.map(([a, b]) => [a, b]) };
            assertSame(actual, expected, () => `process ${process}`);
            assert.equal(peeked.waitUs, reply.waitUs);
          }
        }),
        { numRuns: runs(400) },
      );
    },
  );

  it("admit at most the larger bound together, and what a bucket refills", { timeout: 120_000 }, async () => {
    await assertPipelined(
      fc.asyncProperty(fc.constantFrom(...PAIRS), scheduleArb, async ([name, ...policies], schedule) => {
        const key = new MixedKey("redis", connections);
        for (const { process, us, cost } of schedule) {
          key.pass(us);
          await key.ask(process, policies[process] as Policy, cost);
        }
        const kept = key.taken.map(({ atUs, cost }) => ({ atUs, units: cost }));
        assert.equal(aboveLarger(policies.map(({ rates }) => rates), kept), undefined, name);
      }),
      { numRuns: runs(600) },
    );
  });

  it("admit units again where the shorter of two windows has room, as the page on limits says", async () => {
    const [short, long] = [[6, 900], [15, 2_000]].map(([limit, windowMs]) =>
      compilePolicy({ algorithm: "sliding_window", limit, windowMs } as LimiterOptions)
    ) as [Policy, Policy];
    for (const engine of ["memory", "redis"] as const) {
      const key = new MixedKey(engine, connections);
      await key.ask(0, long, 15);
      assert.equal((await key.ask(1, short, 1)).status, "rate", `${engine}: at once`);
      key.pass(900_000);
      assert.equal((await key.ask(1, short, 6)).status, "allowed", engine);
      assert.equal((await key.ask(0, long, 1)).status, "rate", `${engine}: the longer one counts both`);
    }
  });

  it("admit no more than one of them where both allow as much", { timeout: 120_000 }, async () => {
    const limits = (["token_bucket", "sliding_window", "sliding_window_counter", "fixed_window"] as const)
      .map((algorithm) => compilePolicy({ algorithm, limit: 5, windowMs: HOUR_MS }));
    limits.push(
      OTHER_BUCKET,
      compilePolicy({ limits: [{ limit: 5, windowMs: HOUR_MS }, { limit: 50, windowMs: 864e5 }] }),
    );
    await eachPipelined(limits, async (one) => {
      for (const other of limits) {
        const key = new MixedKey("redis", connections);
        for (let i = 0; i < 20; i++) {
          await key.ask(0, one, 1);
          await key.ask(1, other, 1);
          key.pass(1_000);
        }
        assert.equal(key.taken.length, 5);
      }
    });
  });

  it(
    "write nothing when they peek or deny, but for one note when they first meet the key",
    { timeout: 120_000 },
    async () => {
      await eachPipelined(PAIRS, async ([name, one, other]) => {
        const key = new MixedKey("redis", connections);
        while ((await key.ask(0, one, 1)).status === "allowed");
        const full = await key.dump(one, other);
        await key.ask(1, other, other.capacity, "peek");
        assert.equal(await key.dump(one, other), full, `${name}: a peek`);
        await key.ask(1, other, other.capacity);
        const noted = await key.dump(one, other);
        for (const [process, policy] of [[1, other], [0, one], [1, other]] as const) {
          assert.notEqual((await key.ask(process, policy, policy.capacity)).status, "allowed", name);
          assert.equal(await key.dump(one, other), noted, `${name}: a denial`);
        }
      });
    },
  );

  it("correct the counts of both", async () => {
    for (const [one, other] of [[BUCKET, OTHER_BUCKET], [BUCKET, WINDOW], [WINDOW, BUCKET]] as const) {
      const key = new MixedKey("redis", connections);
      const left = async () => [
        remaining(one, await key.ask(0, one, 1, "peek"))[0],
        remaining(other, await key.ask(1, other, 1, "peek"))[0],
      ];
      for (let i = 0; i < 2; i++) await key.ask(0, one, 1);
      for (let i = 0; i < 2; i++) await key.ask(1, other, 1);
      assert.deepEqual(await left(), [1, 1]);
      await key.stores[1].execute({ op: "refund", targets: [key.target(other, 1)] });
      assert.deepEqual(await left(), [2, 2]);
      await key.stores[0].execute({ op: "penalize", targets: [key.target(one, 2)] });
      assert.deepEqual(await left(), [0, 0]);
      await key.stores[1].execute({ op: "reset", targets: [key.target(other, 1)] });
      assert.deepEqual(await left(), [5, 5]);
    }
  });

  it("give back units under their own rules; under the other rules they stay counted", async () => {
    for (const [one, other] of [[BUCKET, OTHER_BUCKET], [BUCKET, WINDOW], [WINDOW, BUCKET]] as const) {
      const key = new MixedKey("redis", connections);
      await key.ask(0, one, 1);
      const targets = [key.target(other, 2)];
      const taken = await key.ask(1, other, 2);
      await key.stores[1].execute({ op: "giveBack", targets, marks: marksOf(targets, taken) });
      assert.deepEqual(remaining(other, await key.ask(1, other, 1, "peek")), [4]);
      assert.deepEqual(remaining(one, await key.ask(0, one, 1, "peek")), [2]);
    }
  });

  it("take as often as the request says where units are leased", async () => {
    const key = new MixedKey("redis", connections);
    await key.ask(0, WINDOW, 2);
    const request = {
      op: "take",
      targets: [key.target(BUCKET, 1)],
      mode: "now",
      maxWaitUs: 0,
      id: "",
      arrivalUs: 0,
    } as const;
    const replies = [];
    for (const times of [2, 4, 1]) replies.push(await key.stores[1].execute({ ...request, times }));
    assert.deepEqual(replies.map(({ status, times }) => [status, times]), [["allowed", 2], ["allowed", 1], [
      "rate",
      0,
    ]]);
    assert.equal((await key.ask(0, WINDOW, 1)).status, "rate");
  });

  it("keep a bucket in 104 bytes, and in 72 once the others have gone", async () => {
    const key = new MixedKey("redis", connections);
    const name = `${key.prefix}:l:k`;
    const usageOf = async (one: string) => Number(await connections.raw.send("MEMORY", "USAGE", one));
    const usage = () => usageOf(name);
    // A number under a name as long as this.
    await connections.raw.send("SET", `${key.prefix}:l%k`, "1", "PX", "60000");
    const least = await usageOf(`${key.prefix}:l%k`);
    const [one, other] = [
      compilePolicy({ ratePerSecond: 10, burst: 100 }),
      compilePolicy({ ratePerSecond: 3, burst: 50 }),
    ];
    await key.ask(0, one, 1);
    assert.equal(await usage(), least);
    await key.ask(1, other, 1);
    await key.ask(0, one, 1);
    assert.ok(await usage() <= least + 104 - 72, `${await usage()} bytes, where a number takes ${least}`);
    // The old rules are not seen for as long as their keys matter; then all hear of it; then the new rules are plain.
    for (let i = 0; i < 10; i++) {
      key.pass(1_200_000_000);
      await key.ask(1, other, 1);
    }
    assert.equal(await usage(), least);
    // One that wakes up with the old rules counts on.
    for (let i = 0; i < 49; i++) assert.equal((await key.ask(1, other, 1)).status, "allowed");
    assert.deepEqual(remaining(one, await key.ask(0, one, 1, "peek")), [50]);
  });

  it("take over from one another however often the plain rules change", { timeout: 120_000 }, async () => {
    // Every hour others are in use; no unit may be lost by it.
    const hourUs = HOUR_MS * 1_000;
    const policies = [BUCKET, OTHER_BUCKET, WINDOW] as const;
    const key = new MixedKey("redis", connections);
    for (let round = 0; round < 40; round++) {
      const policy = policies[Math.floor(round / 7) % 3] as Policy;
      const process = round % 2 as 0 | 1;
      while ((await key.ask(process, policy, 1)).status === "allowed");
      for (const each of policies) {
        const taken = key.taken.filter(({ atUs }) => atUs > key.clock.nowUs() - hourUs);
        const most = admits(each.rates, hourUs - 1);
        if (each === policy) assert.ok(taken.length <= Math.max(most, 11), `${taken.length} in an hour`);
      }
      key.pass(hourUs / 3);
    }
  });

  it("tell of each other once, and when it is over", async () => {
    const key = new MixedKey("redis", connections);
    const [first, second] = key.reports;
    for (let i = 0; i < 20; i++) {
      await key.ask(0, BUCKET, 1);
      await key.ask(1, WINDOW, 1);
      key.pass(3_000_000);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const names = ["token_bucket 5 in 3600000 ms, burst 5", "sliding_window 5 in 3600000 ms"] as const;
    assert.deepEqual(first, [{ limiter: "l", rules: names[0], others: [names[1]] }]);
    assert.deepEqual(second, [{ limiter: "l", rules: names[1], others: [names[0]] }]);
    for (let i = 0; i < 30; i++) {
      key.pass(40_000_000);
      await key.ask(1, WINDOW, 1);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.deepEqual(second.slice(1), [{ limiter: "l", rules: names[1], others: [] }]);
  });

  it("do not report rules that this process itself used before", async () => {
    const key = new MixedKey("redis", connections);
    for (const policy of [BUCKET, WINDOW]) {
      for (let i = 0; i < 5; i++) {
        await key.ask(0, policy, 1);
        key.pass(31_000_000);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    assert.deepEqual(key.reports[0], []);
  });

  it("leave the register where all keys are deleted", async () => {
    const key = new MixedKey("redis", connections);
    await key.ask(0, BUCKET, 1);
    await key.ask(1, WINDOW, 1);
    await key.stores[0].resetAll();
    assert.deepEqual(remaining(BUCKET, await key.ask(0, BUCKET, 1, "peek")), [5]);
    assert.equal(Number(await connections.raw.send("EXISTS", new KeyNames(key.prefix).register("l"))), 1);
    assert.ok(Number(await connections.raw.send("PTTL", new KeyNames(key.prefix).register("l"))) > 0);
  });
});
