/**
 * Laws that parity cannot see: nothing fails in memory, and rules do not change there.
 *
 * @module
 */

import assert from "node:assert/strict";

import { executeAll } from "./execute_all.ts";
import type { TokenBucketLimit } from "../../src/algorithms/limit.ts";
import { StoreError } from "../../src/base/errors.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { KeyNames } from "../../src/stores/redis/keys.ts";
import { RedisStore } from "../../src/stores/redis/redis_store.ts";
import type { RedisStoreSettings } from "../../src/stores/redis/store_settings.ts";
import type { StoreRequest, TakeReply, TakeRequest, Target } from "../../src/stores/store.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import type { ParityServices } from "./parity.ts";
import type { RawRedis } from "./raw_redis.ts";
import { freshPrefix } from "./redis.ts";

const POLICIES = [
  { ratePerSecond: 1 },
  { algorithm: "fixed_window", limit: 1, windowMs: 60_000 },
  { algorithm: "sliding_window", limit: 1, windowMs: 60_000 },
  { algorithm: "sliding_window_counter", limit: 1, windowMs: 60_000 },
  { limits: [{ ratePerSecond: 1 }, { algorithm: "sliding_window", limit: 1, windowMs: 60_000 }] },
  { limits: [{ ratePerSecond: 1 }, { algorithm: "fixed_window", limit: 9, windowMs: 60_000 }] },
  { ratePerSecond: 1, maxConcurrent: 1 },
].map((options) => compilePolicy(options as Parameters<typeof compilePolicy>[0]));

/** Blocks a key under each kind of rules, and asks under each other: it is blocked. */
export async function assertBlockStays(services: ParityServices): Promise<void> {
  const store = openStore(services);
  const policies = [...POLICIES, compilePolicy({ maxConcurrent: 1 })];
  for (const [i, before] of policies.entries()) {
    for (const [j, after] of policies.entries()) {
      const [one, other] = [before, after].map((policy): Target => {
        return { limiter: `b${i}-${j}`, key: undefined, policy, cost: 1, permits: policy.maxConcurrent };
      }) as [Target, Target];
      await store.execute({ op: "block", targets: [one], durationUs: 60_000_000 });
      const request = { op: "take", mode: "now", maxWaitUs: 0, arrivalUs: 0, id: "x.1.d.0.1.1" } as const;
      const { status } = await store.execute({ ...request, targets: [other] });
      assert.equal(status, "blocked", `${i} to ${j}`);
    }
  }
}

const HUNDRED = compilePolicy({ limit: 100, windowMs: 3_600_000 });

/** A store with keys of its own, which runs the script under test in place of its own one. */
function openStore({ connection, testScript }: ParityServices, settings: RedisStoreSettings = {}): RedisStore {
  return new RedisStore(connection, {
    keyPrefix: freshPrefix(),
    ...settings,
    ...(testScript === undefined ? {} : { testScript }),
  });
}

/** Configures a used limiter anew, with limits that count in another way: what was used stays so, on either side. */
export async function assertCountsOn(services: ParityServices): Promise<void> {
  const store = openStore(services);
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
        targets: [{ limiter: `l${i}`, key: undefined, policy, cost: 1, permits: 0 }],
      });
      const requests = [take(before), take(before), take(after), take(before)];
      const replies = await Promise.allSettled(requests.map((request) => store.execute(request)));
      assert.deepEqual(
        replies.map((reply) => reply.status === "rejected" ? reply.reason.message : (reply.value as TakeReply).status),
        ["allowed", "rate", "rate", "rate"],
        `${before.rates.map((rate) => rate.algorithm)} to ${after.rates.map((rate) => rate.algorithm)}`,
      );
      await store.execute({
        op: "reset",
        targets: [{ limiter: `l${i}`, key: undefined, policy: after, cost: 1, permits: 0 }],
      });
    }
  }
}

/**
 * Reads a used bucket under rules with a remainder of none to three digits, or another window, where the register that
 * knows the old rules was lost: how full it is stays, to the microsecond, as far as a full refill goes, and it is
 * there until it is full.
 */
export async function assertFillKept(services: ParityServices): Promise<void> {
  const { raw } = services;
  const keyPrefix = freshPrefix();
  const names = new KeyNames(keyPrefix);
  const clock = new FakeClock();
  const policies = [
    ...[100, 7, 11, 97, 997].map((limit) => compilePolicy({ limit, windowMs: 3_600_000 })),
    compilePolicy({ limit: 100, windowMs: 36_000 }),
  ];
  const targetsOf = (policy: Policy, key: string, cost: number) => [{ limiter: "api", key, policy, cost, permits: 0 }];
  const ask = async (mode: TakeRequest["mode"], policy: Policy, key: string, cost: number) => {
    const targets = targetsOf(policy, key, cost);
    const maxWaitUs = mode === "wait" ? 1e15 : 0;
    await raw.send("DEL", names.register("api"));
    const store = openStore(services, { keyPrefix, testClock: clock });
    const request = { op: "take", mode, maxWaitUs, arrivalUs: 0, id: "", targets } as const;
    // One bucket alone in its calls, and two beside each other.
    const beside = ["1", "2"].map((n) => ({ ...request, targets: targetsOf(policy, key + n, cost) }));
    const reply = await store.execute(request);
    const levels = [reply, ...await executeAll(store, beside) as TakeReply[]].map((each) =>
      each.levels[0]?.rates[0]?.[0]
    );
    assert.deepEqual(levels.slice(1), [levels[0], levels[0]], key);
    return levels[0] as number;
  };
  for (const [i, before] of policies.entries()) {
    for (const [j, after] of policies.entries()) {
      const fullInUs = await ask("now", before, `${i} to ${j}`, Math.floor(before.capacity / 2));
      const told = await ask("peek", after, `${i} to ${j}`, 1);
      const keptUs = Math.min(fullInUs, (after.rates[0] as TokenBucketLimit).burstUs);
      assert.ok(told === keptUs || told === keptUs + 1, `${before.capacity} to ${after.capacity}: ${told - keptUs}`);
      const afterwardsUs = await ask("now", after, `${i} to ${j}`, 1);
      const [main] = await names.of(targetsOf(after, `${i} to ${j}`, 1)[0] as Target);
      const ttlMs = Number(await raw.send("PTTL", main as string));
      assert.ok(ttlMs >= afterwardsUs / 1000 - 1_000, `${i} to ${j} lives ${ttlMs} ms, full in ${afterwardsUs} µs`);
      // Also for a call that would wait without limit.
      const beforeUs = await ask("now", before, `${i} to ${j}, waiting`, Math.floor(before.capacity / 2) - 1);
      const { intervalUs: unitUs, burstUs } = after.rates[0] as TokenBucketLimit;
      const addedUs = await ask("wait", after, `${i} to ${j}, waiting`, 1) - Math.min(beforeUs, burstUs);
      assert.ok(addedUs >= unitUs && addedUs <= unitUs + 2, `${i} to ${j}: ${addedUs} µs for one unit of ${unitUs}`);
    }
  }
}

/** Takes permits for a longer time than those before, and for a shorter one: the leases lie there as long as the longest. */
export async function assertLeasesKept(services: ParityServices): Promise<void> {
  const { raw } = services;
  const keyPrefix = freshPrefix();
  const store = openStore(services, { keyPrefix });
  const names = new KeyNames(keyPrefix);
  let sequence = 0;
  // One permit is taken by the short way, two by the long one; and after the long one the short one, which trusts it.
  for (const permits of [1, 2, 0]) {
    for (const [i, leaseTtlMs] of [100, 3_600_000, 100].entries()) {
      const policy = compilePolicy({ maxConcurrent: 9, leaseTtlMs });
      const target: Target = { limiter: "kept", key: `k${permits}`, policy, cost: 1, permits: permits || 2 - (i % 2) };
      const id = `x.${sequence++}.d.0.${target.permits}.1`;
      await store.execute({ op: "take", mode: "now", maxWaitUs: 0, arrivalUs: 0, id, targets: [target] });
      const [, leases] = await names.of(target) as [string, string];
      const ttlMs = Number(await raw.send("PTTL", leases));
      assert.ok(ttlMs >= (i === 0 ? 50_000 : 3_600_000), `leases live for ${ttlMs} ms`);
    }
  }
}

/** Runs batches in which a request meets a key of another type. */
export async function assertFailsAlone(services: ParityServices): Promise<void> {
  const { raw } = services;
  const keyPrefix = freshPrefix();
  const store = openStore(services, { keyPrefix });
  const names = new KeyNames(keyPrefix);
  for (const [i, policy] of POLICIES.entries()) {
    const take = (...keys: string[]): TakeRequest => ({
      op: "take",
      mode: "now",
      maxWaitUs: 0,
      arrivalUs: 0,
      id: `x.${i}.d.0.0.1`,
      targets: keys.map((key): Target => ({ limiter: `l${i}`, key, policy, cost: 1, permits: policy.maxConcurrent })),
    });
    for (const key of await names.of({ limiter: `l${i}`, key: "bad", policy, cost: 1, permits: 0 })) {
      await raw.send("DEL", key);
      await raw.send("HSET", key, "a", "b");
      const good = `good ${key}`;
      const requests = [take("bad"), take(good), take("bad", "other"), take(good), take("other")];
      requests.push({ ...take("bad"), mode: "peek" });
      const replies = await Promise.allSettled(requests.map((request) => store.execute(request)));
      await raw.send("DEL", key);
      const told = replies.map((reply) => {
        return reply.status === "rejected" ? (reply.reason as StoreError).code : (reply.value as TakeReply).status;
      });
      assert.deepEqual([told[0], told[1], told[2]], ["STORE_REFUSED", "allowed", "STORE_REFUSED"], key);
      assert.ok(told[3] === "rate" || told[3] === "permits", `${key}: ${told[3]}`);
      assert.equal(told[4], "allowed", `${key}: nothing was taken from the other key`);
      assert.equal(told[5], "STORE_REFUSED", `${key}: a peek`);
      await store.execute({ op: "reset", targets: take("other").targets });
    }
  }
  await assertBucketsFailAlone(store, names, raw);
}

/** The same for a batch of buckets: peeks, merged takes and takes with a count too, and the key stays as it was. */
async function assertBucketsFailAlone(store: RedisStore, names: KeyNames, raw: RawRedis): Promise<void> {
  const policy = compilePolicy({ ratePerSecond: 1, burst: 5 });
  const take = (key: string, more: Partial<TakeRequest> = {}): TakeRequest => ({
    op: "take",
    mode: "now",
    maxWaitUs: 0,
    arrivalUs: 0,
    id: "x",
    targets: [{ limiter: "buckets", key, policy, cost: 1, permits: 0 }],
    ...more,
  });
  const [bad] = await names.of(take("bad").targets[0] as Target);
  await raw.send("HSET", bad as string, "a", "b");
  const replies = await executeAll(store, [
    take("bad", { mode: "peek" }),
    take("good"),
    take("bad"),
    take("bad"),
    take("bad", { times: 3 }),
    take("good", { times: 3 }),
    take("good", { mode: "wait", maxWaitUs: 1e6 }),
    take("bad", { mode: "wait", maxWaitUs: 1e6 }),
    take("good", { mode: "peek" }),
  ]);
  assert.deepEqual(
    replies.map((reply) => reply instanceof StoreError ? reply.message.split(" ")[4] : (reply as TakeReply).status),
    ["WRONGTYPE", "allowed", ...Array<string>(3).fill("WRONGTYPE"), "allowed", "allowed", "WRONGTYPE", "rate"],
  );
  assert.equal(await raw.send("HGET", bad as string, "a"), "b");
  await raw.send("DEL", bad as string);
}

/** A batch in which a run with counts has others behind it. */
export async function assertRunsAfterCounts(services: ParityServices): Promise<void> {
  const store = openStore(services);
  const take = (cost: number, times?: number): TakeRequest => ({
    op: "take",
    mode: "now",
    maxWaitUs: 0,
    arrivalUs: 0,
    id: "x",
    targets: [{ limiter: "l", key: undefined, policy: HUNDRED, cost, permits: 0 }],
    ...(times === undefined ? {} : { times }),
  });
  const replies = await executeAll(store, [take(1, 20), take(2), take(1), take(1), take(3, 50), take(1)]);
  const told = replies.map((reply) => reply instanceof StoreError ? reply.message : (reply as TakeReply).status);
  assert.deepEqual(told, Array(6).fill("allowed"));
  assert.equal((replies[0] as TakeReply).times, 20);
  assert.equal((replies[4] as TakeReply).times, 25);
  assert.equal((replies[2] as TakeReply).times, undefined);
}

/** A bucket that is blocked stays so, and its key lives as long, whatever takes for an instant after the block. */
export async function assertBlockKept(services: ParityServices): Promise<void> {
  const { raw } = services;
  const keyPrefix = freshPrefix();
  const store = openStore(services, { keyPrefix });
  const targets = [{ limiter: "l", key: undefined, policy: HUNDRED, cost: 1, permits: 0 }];
  const take = { op: "take", targets, maxWaitUs: 1e9, arrivalUs: 0, id: "" } as const;
  await store.execute({ op: "block", targets, durationUs: 60_000_000 });
  assert.equal((await store.execute({ ...take, mode: "wait" })).status, "allowed");
  assert.equal((await store.execute({ ...take, mode: "now" })).status, "blocked");
  assert.ok(Number(await raw.send("PTTL", `${keyPrefix}:l`)) > 50_000);
}

/** Blocks a key and lifts the block, whatever stands in its main key besides: nothing of it is left. */
export async function assertBlockLifted(services: ParityServices): Promise<void> {
  const store = openStore(services);
  const window = { algorithm: "sliding_window", limit: 5, windowMs: 60_000 } as const;
  const policies = [...POLICIES, compilePolicy({ limits: [window, { ...window, windowMs: 90_000 }] })];
  for (const [i, policy] of policies.entries()) {
    const targets = [{ limiter: `l${i}`, key: undefined, policy, cost: 1, permits: policy.maxConcurrent > 0 ? 1 : 0 }];
    const take = { op: "take", mode: "now", targets, maxWaitUs: 0, arrivalUs: 0, id: "x.1.d.0.1.1" } as const;
    await store.execute({ op: "block", targets, durationUs: 60_000_000 });
    assert.equal((await store.execute(take)).status, "blocked", `policy ${i}`);
    await store.execute({ op: "block", targets, durationUs: 0 });
    assert.equal((await store.execute(take)).status, "allowed", `policy ${i}`);
  }
}

/** Takes from buckets where most are in use, one has not been there, and one is used up: every key lives until it is full. */
export async function assertLivesInUse(services: ParityServices): Promise<void> {
  const { raw } = services;
  const keyPrefix = freshPrefix();
  const store = openStore(services, { keyPrefix });
  const take = (key: string, cost = 1) => ({
    op: "take",
    mode: "now",
    maxWaitUs: 0,
    arrivalUs: 0,
    id: "",
    targets: [{ limiter: "l", key, policy: HUNDRED, cost, permits: 0 }],
  } as const);
  const used = ["a", "b", "c", "d"];
  await executeAll(store, [...used.map((key) => take(key)), take("full", 100)]);
  for (let round = 1; round <= 3; round++) {
    const keys = [...used, `fresh${round}`, "full"];
    const replies = await executeAll(store, keys.map((key) => take(key))) as TakeReply[];
    assert.deepEqual(replies.map(({ status }) => status), [...Array(5).fill("allowed"), "rate"]);
    for (const [i, key] of keys.entries()) {
      const leftMs = (replies[i]?.levels[0]?.rates[0]?.[0] as number) / 1000;
      const ttlMs = Number(await raw.send("PTTL", `${keyPrefix}:l:${key}`));
      // An eighth of an hour more at most.
      assert.ok(ttlMs > leftMs - 1_000 && ttlMs < leftMs + 451_000, `${key} lives ${ttlMs} ms, full in ${leftMs} ms`);
    }
  }
}

/** Takes from one bucket, one by one, shortly before its key would end: the key lives until the bucket is full. */
export async function assertLivesAlone(services: ParityServices): Promise<void> {
  const { raw } = services;
  const keyPrefix = freshPrefix();
  const clock = new FakeClock(1_800_000_000_000_000);
  const store = openStore(services, { keyPrefix, testClock: clock });
  const target: Target = { limiter: "l", key: "k", policy: HUNDRED, cost: 1, permits: 0 };
  for (let round = 0; round < 10; round++) {
    const taken = await store.execute({
      op: "take",
      mode: "now",
      maxWaitUs: 0,
      arrivalUs: 0,
      id: "",
      targets: [target],
    });
    const leftMs = (taken.levels[0]?.rates[0]?.[0] as number) / 1000;
    const ttlMs = Number(await raw.send("PTTL", `${keyPrefix}:l:k`));
    assert.ok(ttlMs > leftMs - 1_000, `round ${round}: it lives ${ttlMs} ms, full in ${leftMs} ms`);
    // What has passed by this clock passes for the key as well.
    const restMs = 3_000;
    clock.set(clock.nowUs() + (ttlMs - restMs) * 1_000);
    await raw.send("PEXPIRE", `${keyPrefix}:l:k`, String(restMs));
  }
}

/** Penalizes a bucket until it is full in more than a century: each take, peek and correction reads that instant. */
export async function assertFarKept(services: ParityServices): Promise<void> {
  const clock = new FakeClock(1_800_000_000_000_000);
  const store = openStore(services, { timingMarginMs: 60_000, testClock: clock });
  const yearUs = 365 * 86_400 * 1e6;
  const policy = compilePolicy({ limit: 35, windowMs: 35 * yearUs / 1_000 });
  const targetOf = (cost: number): [Target] => [{ limiter: "l", key: undefined, policy, cost, permits: 0 }];
  const take = (mode: "now" | "peek" | "wait", cost: number) => {
    return store.execute({ op: "take", mode, targets: targetOf(cost), maxWaitUs: 1e15, arrivalUs: 0, id: "" });
  };
  const yearsOf = ({ levels }: Pick<TakeReply, "levels">) => (levels[0]?.rates[0]?.[0] as number) / yearUs;
  for (let years = 35; years <= 140; years += 35) {
    assert.equal(yearsOf(await store.execute({ op: "penalize", targets: targetOf(35) })), years);
    assert.equal(yearsOf(await take("peek", 1)), years);
    assert.equal(yearsOf(await store.execute({ op: "penalize", targets: targetOf(1) })), years + 1);
    assert.equal(yearsOf(await store.execute({ op: "refund", targets: targetOf(1) })), years);
  }
  // What was taken for later is written by the script for single buckets.
  clock.set(clock.nowUs() + 90 * yearUs);
  assert.equal(yearsOf(await take("wait", 5)), 55);
  assert.equal(yearsOf(await take("peek", 1)), 55);
  assert.equal(yearsOf(await store.execute({ op: "refund", targets: targetOf(1) })), 54);
  // Nothing is charged for a time after 2184.
  for (const counts of [[1], [0]]) {
    assert.deepEqual((await store.execute({ op: "penalize", targets: targetOf(35) })).counts, counts);
  }
}

/** Takes, and corrects, on either side of the instant at which the last 14 digits of one begin anew. */
export async function assertErasJoined(services: ParityServices): Promise<void> {
  const clock = new FakeClock(1_799_999_999_000_000);
  const keyPrefix = freshPrefix();
  const store = openStore(services, { keyPrefix, timingMarginMs: 60_000, testClock: clock });
  const policy = compilePolicy({ ratePerSecond: 1, burst: 5 });
  const secondsOf = ({ levels }: Pick<TakeReply, "levels">) => (levels[0]?.rates[0]?.[0] as number) / 1e6;
  const targetOf = (key: string): [Target] => [{ limiter: "l", key, policy, cost: 1, permits: 0 }];
  const take = (key: string) => {
    return store.execute({ op: "take", mode: "now", targets: targetOf(key), maxWaitUs: 0, arrivalUs: 0, id: "" });
  };
  const penalize = (key: string) => store.execute({ op: "penalize", targets: targetOf(key) });
  for (const [key, again] of Object.entries({ take, penalize })) {
    clock.set(1_799_999_999_000_000);
    for (const seconds of [1, 2, 3]) assert.equal(secondsOf(await take(key)), seconds);
    assert.equal(secondsOf(await again(key)), 4); // full after the end
    clock.set(1_800_000_000_000_000);
    assert.equal(secondsOf(await again(key)), 4);
    clock.set(1_800_000_060_000_000);
    assert.equal(secondsOf(await again(key)), 1);
  }
  clock.set(1_799_999_990_000_000);
  assert.equal(secondsOf(await take("idle")), 1);
  clock.set(1_800_000_001_000_000);
  assert.equal(secondsOf(await penalize("idle")), 1);
  // The step with the largest TTL tag does not end with the era. If the sum carried into the tag, scripts would read it as
  // the tag of a promised instant.
  clock.set(1_799_999_998_999_999);
  const large: Target = {
    limiter: "large",
    key: "k",
    cost: 1,
    permits: 0,
    policy: compilePolicy({ limit: 1, windowMs: 1_000, burst: 1_000_000 }),
  };
  const id = { mode: "now", maxWaitUs: 0, arrivalUs: 0, id: "" } as const;
  for (const seconds of [1, 2]) {
    assert.equal(secondsOf(await store.execute({ op: "take", targets: [large], ...id }) as TakeReply), seconds);
  }
  const [main] = new KeyNames(keyPrefix).of(large) as [string];
  assert.match(new TextDecoder().decode(await services.raw.bytes(main)), /^[1-5]/);
}

/** Serves one that waits without a subscription, from elsewhere and from its own store: it hears of it once, each time. */
export async function assertInboxEmptied(services: ParityServices): Promise<void> {
  const { raw } = services;
  const keyPrefix = freshPrefix();
  const lent = { ...services.connection, polls: true, close: () => Promise.resolve() };
  const polling = openStore({ ...services, connection: lent }, { keyPrefix });
  const other = openStore(services, { keyPrefix });
  const policy = compilePolicy({ maxConcurrent: 1, leaseTtlMs: 600_000 });
  const target: Target = { limiter: "inbox", key: undefined, policy, cost: 1, permits: 1 };
  const targets: [Target] = [target];
  const box = `${keyPrefix}:wake:%polls`;
  const heard: string[] = [];
  let gaps = 0;
  await polling.listen({
    instance: "polls",
    targetOf: () => target,
    wakeup: ({ id, kind }) => heard.push(`${kind} ${id}`),
    missed: () => gaps++,
  });
  const take = (store: RedisStore, id: string) =>
    store.execute({ op: "take", targets, mode: "wait", maxWaitUs: 6e8, id, arrivalUs: 0 });
  const free = (store: RedisStore, id: string) => store.execute({ op: "release", targets, id });
  const ids = [1, 2, 3].map((i) => `polls.${i}.d.600000000.1.1`) as [string, string, string];
  const held = "holds.1.d.0.1.1";
  try {
    assert.equal((await take(other, held)).status, "allowed");
    assert.equal((await take(polling, ids[0])).status, "queued");
    const ttlMs = Number(await raw.send("PTTL", box));
    assert.ok(ttlMs > 1_000 && ttlMs <= 5_000, `the inbox lives for ${ttlMs} ms`);
    await free(other, held);
    await free(polling, "polls.9.d.0.1.1"); // comes for the messages
    assert.deepEqual(heard, [`granted ${ids[0]}`]);
    assert.equal(Number(await raw.send("LLEN", box)), 1);
    assert.equal((await take(polling, ids[1])).status, "queued");
    await free(polling, ids[0]);
    assert.deepEqual(heard, [`granted ${ids[0]}`, `granted ${ids[1]}`]);
    assert.equal((await take(polling, ids[2])).status, "queued");
    assert.equal(gaps, 0);
    await raw.send("DEL", box);
    await free(polling, "polls.9.d.0.1.1");
    assert.ok(gaps > 0, "no process heard that messages may be missing");
    await free(polling, ids[2]);
    await free(polling, ids[1]);
  } finally {
    await polling.close();
    const left = await raw.keys(`*${keyPrefix}*`);
    if (left.length > 0) await raw.send("UNLINK", ...left);
  }
}
