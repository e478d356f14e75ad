import assert from "node:assert/strict";
import { executeAll } from "../../../_support/execute_all.ts";
import { after, before, describe, it } from "node:test";

import fc from "fast-check";

import type { TokenBucketLimit } from "../../../../src/algorithms/limit.ts";
import { tokenBucket } from "../../../../src/algorithms/token_bucket/kernel.ts";
import { KeyNames } from "../../../../src/stores/redis/keys.ts";
import type { ScriptCall } from "../../../../src/stores/redis/script_call.ts";
import { RedisStore } from "../../../../src/stores/redis/redis_store.ts";
import type { TakeReply, TakeRequest, Target } from "../../../../src/stores/store.ts";
import { FakeClock } from "../../../../src/testing/fake_clock.ts";
import { bucketKeysArb, runs } from "../../../_support/arbitraries.ts";
import { assertPipelined } from "../../../_support/properties.ts";
import { freshPrefix } from "../../../_support/redis.ts";
import { Connections, target } from "../../_lab.ts";

const START_US = 1_750_000_000_000_000;

function take(of: Target, more: Partial<TakeRequest> = {}): TakeRequest {
  return { op: "take", targets: [of], mode: "now", maxWaitUs: 0, id: "i.1.d.0.0.1", arrivalUs: 0, ...more };
}

describe("A batch of takes from token buckets", () => {
  let connections: Connections;
  before(async () => void (connections = await Connections.open()));
  after(() => connections.close());

  function open(): { store: RedisStore; clock: FakeClock; calls: ScriptCall[]; prefix: string } {
    const prefix = freshPrefix();
    const clock = new FakeClock(START_US);
    const calls: ScriptCall[] = [];
    const store = new RedisStore(connections.connection, {
      keyPrefix: prefix,
      timingMarginMs: 60_000,
      testClock: clock,
      testScript: (call) => {
        if (call.script.name !== "register") calls.push(call);
        return call;
      },
    });
    return { store, clock, calls, prefix };
  }

  it("tells the script one key each, and once what they have in common", async () => {
    const { store, calls } = open();
    const policy = target({ ratePerSecond: 10, burst: 5 });
    const replies = await executeAll(store, Array.from({ length: 128 }, (_, i) => take({ ...policy, key: `k${i}` })));
    assert.ok(replies.every((reply) => (reply as TakeReply).status === "allowed"));
    assert.equal(calls[0]?.keys.length, 128);
    assert.ok((calls[0]?.args.length ?? Infinity) <= 7, `${calls[0]?.args}`);
  });

  it("lets a key live as long as its bucket takes, whatever limit it had before the register was lost", async () => {
    const { clock, prefix } = open();
    const ttl = async () => Number(await connections.raw.send("PTTL", `${prefix}:api:k`)) - 60_000;
    for (const burst of [5, 100_000, 10, 30_000, 2]) {
      await connections.raw.send("DEL", new KeyNames(prefix).register("api"));
      const store = new RedisStore(connections.connection, {
        keyPrefix: prefix,
        timingMarginMs: 60_000,
        testClock: clock,
      });
      const one = target({ ratePerSecond: 10, burst });
      for (let i = 0; i < 3; i++) {
        const [reply] = await executeAll(store, [take({ ...one, cost: Math.max(Math.floor(burst / 4), 1) })]);
        const [us = 0] = (reply as TakeReply).levels[0]?.rates[0] ?? [];
        assert.ok(await ttl() > us / 1_000 - 20_000, `${await ttl()} ms for a bucket that takes ${us} µs`);
        assert.ok(await ttl() <= us / 1_000 + 100_000 * 100 / 8 + 10, `${await ttl()} ms for ${us} µs`);
      }
      clock.set(clock.nowUs() + 1);
    }
  });

  it("does not take the mark of a key for its time, nor a fraction of two digits for a mark", async () => {
    const { store } = open();
    const [whole, fraction] = [1_000, 1_024].map((ratePerSecond) => target({ ratePerSecond, burst: 1_000 })) as [
      Target,
      Target,
    ];
    for (const one of [whole, fraction, fraction, whole, whole, fraction]) {
      const [reply] = await executeAll(store, [take(one)]);
      const [us = 0] = (reply as TakeReply).levels[0]?.rates[0] ?? [];
      assert.equal((reply as TakeReply).status, "allowed");
      assert.ok(us < 10_000, `${us} µs for a few units`);
    }
  });

  it("tells the script one key where all are alike", async () => {
    const { store, calls } = open();
    const one = target({ ratePerSecond: 10, burst: 100 });
    const replies = await executeAll(store, Array.from({ length: 128 }, () => take(one))) as TakeReply[];
    assert.equal(calls[0]?.keys.length, 1);
    assert.deepEqual(
      replies.map(({ status }) => status),
      Array.from({ length: 128 }, (_, i) => i < 100 ? "allowed" : "rate"),
    );
  });

  it("keeps the order of a key, and puts together what is on others", async () => {
    const { store, calls } = open();
    const one = target({ limit: 4, windowMs: 3_600_000 });
    const [a, b] = [{ ...one, key: "a" }, { ...one, key: "b" }];
    const replies = await executeAll(store, [
      take(a),
      take(b),
      take({ ...a, cost: 3 }),
      take(b),
      take(a),
      take(a, { mode: "peek" }),
    ]) as TakeReply[];
    assert.deepEqual(replies.map(({ status }) => status), ["allowed", "allowed", "allowed", "allowed", "rate", "rate"]);
    assert.equal(calls[0]?.keys.length, 5, "the takes of b are one entry");
  });

  it("takes as often as the request says, as if one after the other", async () => {
    await assertPipelined(
      fc.asyncProperty(
        bucketKeysArb,
        fc.array(
          fc.record({
            pick: fc.nat(5),
            share: fc.constantFrom(0, 0.1, 0.5, 1),
            us: fc.constantFrom(0, 1, 7, 9e5, 9e9),
          }),
          { minLength: 1, maxLength: 8 },
        ),
        async (limiters, asks) => {
          const { store, clock } = open();
          const states = new Map<number, { tatUs: number; tatRem: number }>();
          for (const { pick, share, us } of asks) {
            clock.set(clock.nowUs() + us);
            const now = clock.nowUs();
            const key = pick % limiters.length;
            const one = target(limiters[key] as (typeof limiters)[number], { limiter: `l${key}`, key: `k${key}` });
            const rate = one.policy.rates[0] as TokenBucketLimit;
            const cost = 1 + Math.floor((rate.capacity - 1) * share * share);
            const times = Math.min(Math.floor(rate.capacity / cost), 1e9);
            const state = states.get(key) ?? tokenBucket.fresh();
            let [fit, none] = [0, times + 1];
            while (none - fit > 1) {
              const middle = Math.floor((fit + none) / 2);
              if (tokenBucket.earliest(state, now, middle * cost, rate) <= now) fit = middle;
              else none = middle;
            }
            const after = fit === 0 ? state : tokenBucket.take(state, now, now, fit * cost, rate);
            states.set(key, after);
            const [reply] = await executeAll(store, [take({ ...one, cost }, { times })]);
            const { status, nowUs, waitUs, arrivalUs, levels, times: taken } = reply as TakeReply;
            assert.deepEqual({ status, nowUs, waitUs, arrivalUs, levels, times: taken }, {
              status: fit > 0 ? "allowed" : "rate",
              nowUs: now,
              waitUs: fit > 0 ? 0 : tokenBucket.earliest(state, now, cost, rate) - now,
              arrivalUs: 0,
              levels: [{ rates: [tokenBucket.measure(after, now, rate)], permits: undefined }],
              times: fit,
            });
          }
        },
      ),
      { numRuns: runs(500) },
    );
  });

  it("may have counts beside what another script decides", async () => {
    const { store } = open();
    const one = target({ limit: 4, windowMs: 3_600_000 });
    const other = target({ algorithm: "fixed_window", limit: 1, windowMs: 1_000 }, { limiter: "other" });
    const replies = await executeAll(store, [
      take(one, { times: 3 }),
      take(other),
      take(one, { times: 3 }),
    ]) as TakeReply[];
    assert.deepEqual(replies.map(({ times }) => times), [3, undefined, 1]);
  });

  it("waits for as long as it takes where the longest wait is endless", async () => {
    const { store } = open();
    const one = target({ limit: 1, windowMs: 1_000 });
    const waits = Array.from({ length: 300 }, () => take(one, { mode: "wait", maxWaitUs: Infinity }));
    const replies = await executeAll(store, waits) as TakeReply[];
    assert.deepEqual(replies.map(({ waitUs }) => waitUs), Array.from({ length: 300 }, (_, i) => i * 1e6));
  });

  it("may have thousands of keys", async () => {
    const { store } = open();
    const one = target({ limit: 1, windowMs: 3_600_000 });
    const takes = Array.from({ length: 9_001 }, (_, i) => take({ ...one, key: `k${i}` }));
    for (const status of ["allowed", "rate"]) {
      const replies = await executeAll(store, takes) as TakeReply[];
      assert.ok(replies.every((reply) => reply.status === status), status);
    }
  });

  it("reads what others wrote into a key as the script for all limits does", async () => {
    const { store, clock, prefix } = open();
    const now = START_US;
    const block = (us: number) => {
      const bytes = new DataView(new ArrayBuffer(8));
      bytes.setFloat64(0, us, true);
      return Buffer.concat([Buffer.from("b"), Buffer.from(bytes.buffer)]);
    };
    const texts = [
      "",
      "1",
      "b",
      "b1234567",
      "x".repeat(16),
      "x".repeat(17),
      `${now + 9e6}`,
      `${now + 9e6}2`,
      `${now}9`,
    ];
    const more = [`${now + 5}x`, `${now - 1}1`, `${now - 2}1`, `${now + 9e6}22`, `${now + 9e6}0000001`, " ".repeat(20)];
    const values = [...texts, ...more].flatMap((text) => {
      return [0, now - 1, now, now + 1, now + 8e6].map((us) => Buffer.concat([block(us), Buffer.from(text)]))
        .concat(Buffer.from(text));
    });
    const names = new KeyNames(prefix);
    const fixed = take(target({ algorithm: "fixed_window", limit: 1e9, windowMs: 1_000 }, { limiter: "fixed" }));
    for (
      const options of [{ ratePerSecond: 10, burst: 3 }, { ratePerSecond: 3, burst: 3 }, { ratePerSecond: 1e5 / 7 }]
    ) {
      for (const ask of [{}, { mode: "peek" }, { mode: "wait", maxWaitUs: 1e7 }] as const) {
        const told = [];
        for (const behind of [[], [fixed]]) {
          const limiter = JSON.stringify(options);
          const takes = values.map((_, i) => take(target(options, { limiter, key: `k${i}` }), ask));
          for (const [i, value] of values.entries()) {
            const [key] = await names.of(takes[i]?.targets[0] as Target);
            await connections.raw.send("SET", key as string, value);
          }
          const replies = await executeAll(store, [...takes, ...behind]);
          const dump = await connections.raw.dump(
            (await Promise.all(takes.map((each) => names.of(each.targets[0] as Target)))).flat(),
          );
          told.push([replies.slice(0, values.length), dump]);
        }
        assert.deepEqual(told[0], told[1]);
      }
    }
    assert.equal(clock.nowUs(), START_US);
  });
});
