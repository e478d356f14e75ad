/**
 * Laws of permits that parity cannot see: it changes no limiter.
 *
 * @module
 */

import assert from "node:assert/strict";

import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { KeyNames } from "../../src/stores/redis/keys.ts";
import { RedisStore } from "../../src/stores/redis/redis_store.ts";
import type { Target } from "../../src/stores/store.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import type { ParityServices } from "./parity.ts";
import { freshPrefix } from "./redis.ts";

/** Raises a limit while calls wait: the next call or release serves as many as there are permits, before itself. */
export async function assertRaisedServes({ connection, raw, testScript }: ParityServices): Promise<void> {
  const keyPrefix = freshPrefix();
  const store = new RedisStore(connection, { keyPrefix, ...(testScript && { testScript }) });
  const of = (key: string, maxConcurrent: number): Target => {
    return { limiter: "raised", key, policy: compilePolicy({ maxConcurrent }), cost: 1, permits: 1 };
  };
  const name = (i: number) => `raised.${i}.d.600000000.1.1`;
  const take = async (mode: "now" | "wait", target: Target, i: number) => {
    const request = { op: "take", mode, maxWaitUs: 6e8, id: name(i), arrivalUs: 0, targets: [target] } as const;
    return (await store.execute({ ...request, targets: [target] })).status;
  };
  const holders = async (target: Target) => {
    const [, leases = ""] = new KeyNames(keyPrefix).of(target);
    return (await raw.send("ZRANGE", leases, "1", "-1") as unknown[]).map(String).toSorted();
  };
  const wakeup = () => {};
  await store.listen({ instance: "raised", targetOf: () => of("released", 1), wakeup, missed: wakeup });
  for (const key of ["released", "taken"]) {
    const asked = [1, 2, 3].map((i) => take("wait", of(key, 1), i));
    assert.deepEqual(await Promise.all(asked), ["allowed", "queued", "queued"]);
  }
  await store.execute({ op: "release", targets: [of("released", 3)], id: name(1) });
  assert.deepEqual(await holders(of("released", 3)), [name(2), name(3)], "a release serves all for whom there is room");
  assert.equal(
    await take("now", of("taken", 2), 4),
    "permits",
    "one that comes later takes nothing from those in line",
  );
  assert.deepEqual(await holders(of("taken", 2)), [name(1), name(2)], "a call serves those in line");
}

/** The instant of a call for permits is that of the server's clock, in each tenth of a second, the short way and the long. */
export async function assertServersClock({ connection, raw, testScript }: ParityServices): Promise<void> {
  const store = new RedisStore(connection, { keyPrefix: freshPrefix(), ...(testScript && { testScript }) });
  const target: Target = {
    limiter: "clock",
    key: undefined,
    policy: compilePolicy({ maxConcurrent: 1 }),
    cost: 1,
    permits: 1,
  };
  const serverUs = async () => {
    const [seconds, us] = (await raw.send("TIME") as unknown[]).map(Number) as [number, number];
    return seconds * 1e6 + us;
  };
  const request = { op: "take", mode: "now", maxWaitUs: 0, arrivalUs: 0, id: "clock.1.d.0.1.1" } as const;
  const tenths = new Set<number>();
  while (tenths.size < 10) {
    for (const mode of ["now", "peek"] as const) {
      const beforeUs = await serverUs();
      const { nowUs } = await store.execute({ ...request, mode, targets: [target] });
      assert.ok(beforeUs <= nowUs && nowUs <= await serverUs(), `${nowUs} after ${beforeUs}`);
      tenths.add(Math.floor(nowUs / 1e5) % 10);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A queue that would expire soon lives on when another call joins it in a later step of time. */
export async function assertQueueKept({ connection, raw, testScript }: ParityServices): Promise<void> {
  const keyPrefix = freshPrefix();
  const testClock = new FakeClock(1_767_225_600_000_000);
  const store = new RedisStore(connection, { keyPrefix, testClock, ...(testScript && { testScript }) });
  const policy = compilePolicy({ maxConcurrent: 1, leaseTtlMs: 20_000 });
  const target: Target = { limiter: "queue", key: undefined, policy, cost: 1, permits: 1 };
  const wakeup = () => {};
  await store.listen({ instance: "queue", targetOf: () => target, wakeup, missed: wakeup });
  const request = { op: "take", mode: "wait", maxWaitUs: 6e8, arrivalUs: 0 } as const;
  const [, , waiters = ""] = new KeyNames(keyPrefix).of(target);
  for (const [i, status] of (["allowed", "queued", "queued"] as const).entries()) {
    if (i === 2) {
      await raw.send("PEXPIRE", waiters, "5000");
      testClock.set(testClock.nowUs() + 10_000_000);
    }
    const id = `queue.${i}~20000000.d.600000000.1.1`;
    assert.equal((await store.execute({ ...request, id, targets: [target] })).status, status);
  }
  const ttlMs = Number(await raw.send("PTTL", waiters));
  assert.ok(ttlMs >= 50_000, `the queue lives for ${ttlMs} ms`);
}

/** Permits that are taken one by one: their keys outlive the leases in each step of time, and a level says the first end. */
export async function assertLoneLeasesKept({ connection, raw, testScript }: ParityServices): Promise<void> {
  const keyPrefix = freshPrefix();
  const testClock = new FakeClock(1_767_225_600_000_000);
  const store = new RedisStore(connection, { keyPrefix, testClock, ...(testScript && { testScript }) });
  let sequence = 0;
  const take = async (limiter: string, leaseTtlMs: number) => {
    const policy = compilePolicy({ maxConcurrent: 9, leaseTtlMs });
    const targets: Target[] = [{ limiter, key: undefined, policy, cost: 1, permits: 1 }];
    const id = `x.${sequence++}~${leaseTtlMs * 1_000}.d.0.1.1`;
    testClock.set(testClock.nowUs() + 1);
    const reply = await store.execute({ op: "take", mode: "now", maxWaitUs: 0, arrivalUs: 0, id, targets });
    const [, leases = ""] = new KeyNames(keyPrefix).of(targets[0] as Target);
    return { leases, freeInUs: reply.levels[0]?.permits?.freeInUs };
  };
  await take("ends", 10_000);
  assert.equal((await take("ends", 100)).freeInUs, 100_000);
  assert.equal((await take("ends", 100)).freeInUs, 99_999);
  const { leases } = await take("steps", 20_000);
  await raw.send("PEXPIRE", leases, "15000");
  testClock.set(testClock.nowUs() + 10_000_000);
  await take("steps", 20_000);
  const ttlMs = Number(await raw.send("PTTL", leases));
  assert.ok(ttlMs >= 50_000, `the leases live for ${ttlMs} ms`);
}
