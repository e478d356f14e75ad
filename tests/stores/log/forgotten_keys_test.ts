import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { LimiterOptions } from "../../../mod.ts";
import { compilePolicy } from "../../../src/policy/compile_policy.ts";
import type { Policy } from "../../../src/policy/policy.ts";
import { LogStore, replicasOf } from "../../../src/stores/log/log_store.ts";
import type { Replica } from "../../../src/stores/log/replica.ts";
import type { StoreRequest, TakeRequest } from "../../../src/stores/store.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import { Random } from "../../../scripts/simulate/random.ts";
import { MemoryLog, MemoryLogStream } from "./_memory_log.ts";

const RULES: Readonly<Record<string, LimiterOptions>> = {
  bucket: { ratePerSecond: 2, burst: 2 },
  fractions: { ratePerSecond: 7, burst: 5 },
  fixed: { algorithm: "fixed_window", limit: 2, windowMs: 500 },
  counter: { algorithm: "sliding_window_counter", limit: 2, windowMs: 500 },
  log: { algorithm: "sliding_window", limit: 2, windowMs: 500 },
  several: { limits: [{ limit: 2, windowMs: 300 }, { algorithm: "fixed_window", limit: 9, windowMs: 900 }] },
};

describe("Keys that cannot be told from fresh ones", () => {
  // When a process looks at one to forget it depends on where its search stands: another one may have begun with a snapshot.
  it("are forgotten by one process and not by another, and both agree", async () => {
    const clock = new FakeClock(1_700_000_000_000_000);
    const log = new MemoryLog(() => clock.nowUs());
    const [one, two] = [1, 2].map(() => new LogStore(new MemoryLogStream(log), { aliveMs: 1e12 })) as [
      LogStore,
      LogStore,
    ];
    const random = new Random(1);
    const limiters = Object.keys(RULES) as [string, ...string[]];
    const policies = Object.fromEntries(limiters.map((name) => [name, compilePolicy(RULES[name] as LimiterOptions)]));
    let forgotten = 0;
    for (let i = 0; i < 3_000; i++) {
      const limiter = random.pick(limiters);
      const policy = policies[limiter] as Policy;
      const targets = [{ limiter, policy, key: `k${random.below(2)}`, cost: 1, permits: 0 }];
      const mode: TakeRequest["mode"] = random.pick(["now", "now", "wait", "peek"]);
      const take = { op: "take", targets, mode, maxWaitUs: mode === "wait" ? 5e6 : 0, id: "", arrivalUs: 0 } as const;
      const corrections: [StoreRequest, ...StoreRequest[]] = [
        { op: "penalize", targets },
        { op: "refund", targets },
        { op: "block", targets, durationUs: 1e5 },
      ];
      const request: StoreRequest = random.chance(0.05) ? random.pick(corrections) : take;
      await random.pick([one, two]).execute(request);
      clock.advance(random.pick([0, 0, 0, 0, 1, 10, 100, 4_000]));
      for (const store of [one, two]) await store.check();
      const [own, other] = [one, two].map((store) => replicasOf(store)[0]) as [Replica, Replica];
      assert.equal(other.digest.text, own.digest.text, `${limiter}: ${JSON.stringify(request)}, step ${i}`);
      const before = sizeOf(other);
      other.table.forgetFresh(other.nowUs);
      forgotten += before - sizeOf(other);
    }
    assert.ok(forgotten > 100, `${forgotten} were forgotten`);
    for (const store of [one, two]) await store.close();
  });
});

function sizeOf({ table }: Replica): number {
  return [...table.tables()].reduce((sum, [, { size }]) => sum + size, 0);
}
