/**
 * Laws that parity cannot see: nothing ever fails in memory, and there nobody changes a limiter.
 *
 * @module
 */

import assert from "node:assert/strict";

import { StoreError } from "../../src/base/errors.ts";
import { compilePolicy, type Policy } from "../../src/policy/policy.ts";
import { KeyNames } from "../../src/stores/redis/keys.ts";
import { RedisStore } from "../../src/stores/redis/redis_store.ts";
import type { StoreRequest, TakeReply, Target } from "../../src/stores/store.ts";
import type { ParityServices } from "./parity.ts";
import { freshPrefix } from "./redis.ts";

const POLICIES = [
  { ratePerSecond: 1 },
  { algorithm: "fixed_window", limit: 1, windowMs: 60_000 },
  { algorithm: "sliding_window", limit: 1, windowMs: 60_000 },
  { algorithm: "sliding_window_counter", limit: 1, windowMs: 60_000 },
  { limits: [{ ratePerSecond: 1 }, { algorithm: "sliding_window", limit: 1, windowMs: 60_000 }] },
  { ratePerSecond: 1, maxConcurrent: 1 },
].map((options) => compilePolicy(options as Parameters<typeof compilePolicy>[0]));

/** Configures a used limiter anew, with limits that count in another way: it starts fresh. */
export async function assertStartsFresh({ connection, testScript }: ParityServices): Promise<void> {
  const store = new RedisStore(connection, {
    keyPrefix: freshPrefix(),
    ...(testScript === undefined ? {} : { testScript }),
  });
  const limits = (["fixed_window", "sliding_window_counter", "token_bucket", "sliding_window"] as const)
    .map((algorithm) => ({ algorithm, limit: 1, windowMs: 3_600_000 }));
  const shapes = [...limits.map((limit) => [limit]), limits.slice(0, 3), limits.slice(0, 3).toReversed()]
    .map((some) => compilePolicy({ limits: some }));
  for (const [i, before] of shapes.entries()) {
    for (const after of shapes) {
      if (before === after) continue;
      const take = (policy: Policy): StoreRequest => ({
        op: "take",
        mode: "now",
        maxWaitUs: 0,
        arrivalUs: 0,
        id: "x.1.d.0.0.1",
        targets: [{ limiter: `l${i}`, key: undefined, policy, cost: 1, slots: 0 }],
      });
      const replies = await store.execute([take(before), take(before), take(after), take(after)]);
      assert.deepEqual(
        replies.map((reply) => reply instanceof StoreError ? reply.message : (reply as TakeReply).status),
        ["allowed", "rate", "allowed", "rate"],
        `${before.rates.map((rate) => rate.algorithm)} to ${after.rates.map((rate) => rate.algorithm)}`,
      );
      await store.execute([{
        op: "reset",
        targets: [{ limiter: `l${i}`, key: undefined, policy: after, cost: 1, slots: 0 }],
      }]);
    }
  }
}

/** Takes slots for a longer time than those before, and for a shorter one: the leases lie there as long as the longest. */
export async function assertLeasesKept({ connection, raw, testScript }: ParityServices): Promise<void> {
  const keyPrefix = freshPrefix();
  const store = new RedisStore(connection, { keyPrefix, ...(testScript === undefined ? {} : { testScript }) });
  const names = new KeyNames(keyPrefix);
  let sequence = 0;
  for (const leaseTtlMs of [100, 3_600_000, 100]) {
    const policy = compilePolicy({ maxConcurrent: 5, leaseTtlMs });
    const target: Target = { limiter: "kept", key: "k", policy, cost: 1, slots: 1 };
    const id = `x.${sequence++}.d.0.1.1`;
    await store.execute([{ op: "take", mode: "now", maxWaitUs: 0, arrivalUs: 0, id, targets: [target] }]);
    const [, leases] = await names.of(target) as [string, string];
    const ttlMs = Number(await raw.send("PTTL", leases));
    assert.ok(ttlMs >= (sequence === 1 ? 100 : 3_600_000), `leases live for ${ttlMs} ms`);
  }
}

/** Runs batches in which a request meets a key of another type. */
export async function assertFailsAlone({ connection, raw, testScript }: ParityServices): Promise<void> {
  const keyPrefix = freshPrefix();
  const store = new RedisStore(connection, { keyPrefix, ...(testScript === undefined ? {} : { testScript }) });
  const names = new KeyNames(keyPrefix);
  for (const [i, policy] of POLICIES.entries()) {
    const take = (...keys: string[]): StoreRequest => ({
      op: "take",
      mode: "now",
      maxWaitUs: 0,
      arrivalUs: 0,
      id: `x.${i}.d.0.0.1`,
      targets: keys.map((key): Target => ({ limiter: `l${i}`, key, policy, cost: 1, slots: policy.maxConcurrent })),
    });
    for (const key of await names.of({ limiter: `l${i}`, key: "bad", policy, cost: 1, slots: 0 })) {
      await raw.send("DEL", key);
      await raw.send("HSET", key, "a", "b");
      const good = `good ${key}`;
      const replies = await store.execute([take("bad"), take(good), take("bad", "other"), take(good), take("other")]);
      await raw.send("DEL", key);
      const told = replies.map((reply) => reply instanceof StoreError ? reply.code : (reply as TakeReply).status);
      assert.deepEqual([told[0], told[1], told[2]], ["STORE_REFUSED", "allowed", "STORE_REFUSED"], key);
      assert.ok(told[3] === "rate" || told[3] === "slots", `${key}: ${told[3]}`);
      assert.equal(told[4], "allowed", `${key}: nothing was taken from the other key`);
      await store.execute([{ op: "reset", targets: take("other").targets }]);
    }
  }
}
