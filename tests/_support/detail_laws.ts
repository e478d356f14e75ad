/**
 * What the details of a peek must say.
 *
 * @module
 */

import assert from "node:assert/strict";

import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { RedisStore } from "../../src/stores/redis/redis_store.ts";
import type { TakeRequest, Target } from "../../src/stores/store.ts";
import { waiterId } from "../../src/stores/waiter_id.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import type { ParityServices } from "./parity.ts";
import { freshPrefix } from "./redis.ts";

/** Three processes hold permits, one of them no longer, two calls wait, and the key is blocked. */
export async function assertDetails({ connection, testScript }: ParityServices): Promise<void> {
  const clock = new FakeClock(1_767_225_600_000_000);
  const settings = {
    keyPrefix: freshPrefix(),
    testClock: clock,
    timingMarginMs: 60_000,
    ...(testScript && { testScript }),
  };
  const store = new RedisStore(connection, settings);
  const policy = compilePolicy({ limit: 10, windowMs: 10_000, maxConcurrent: 4, leaseTtlMs: 100 });
  const target: Target = { limiter: "api", key: "k", policy, cost: 1, permits: 1 };
  // Only processes that listen keep their places.
  for (const instance of ["one", "other"]) {
    await store.listen({ instance, targetOf: () => target, wakeup: () => {}, missed: () => {} });
  }
  let sequence = 0;
  const take = (instance: string, mode: TakeRequest["mode"], details?: TakeRequest["details"]) => {
    const { leaseTtlUs } = policy;
    const parts = { instance, sequence: ++sequence, direct: true, maxWaitUs: 1e9, permits: 1, cost: 1, leaseTtlUs };
    const maxWaitUs = mode === "wait" ? parts.maxWaitUs : 0;
    const id = waiterId(parts);
    return store.execute({ op: "take", targets: [target], mode, maxWaitUs, id, arrivalUs: 0, details });
  };
  await take("gone", "now");
  clock.set(clock.nowUs() + 60_000);
  for (const instance of ["one", "one", "other"]) await take(instance, "now");
  for (const instance of ["one", "other"]) assert.equal((await take(instance, "wait")).status, "queued");
  await store.execute({ op: "block", targets: [target], durationUs: 5_000_000 });
  clock.set(clock.nowUs() + 60_000);
  const { levels, details } = await take("asks", "peek", [[[1, 7, 10]]]);
  assert.equal(levels[0]?.permits?.used, 3);
  // Four of ten units were taken, one a second comes back, and 0.12 s have passed.
  const waitsUs = [[0, 880_000, 3_880_000]];
  assert.deepEqual(details, [{ blockedUs: 4_940_000, waitsUs, waiting: 2, processes: 2 }]);
}
