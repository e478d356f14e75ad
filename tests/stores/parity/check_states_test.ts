import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync } from "../../../mod.ts";
import { fixedWindow } from "../../../src/algorithms/fixed_window/kernel.ts";
import type { RateState } from "../../../src/algorithms/kernels.ts";
import { compilePolicy } from "../../../src/policy/compile_policy.ts";
import { CheckedMemoryStore } from "../../../src/stores/memory/checked_memory_store.ts";
import type { Target } from "../../../src/stores/store.ts";

/** A store whose states are what a test says. */
class Wrong extends CheckedMemoryStore {
  state: RateState = fixedWindow.fresh();

  override statesOf(): readonly RateState[] {
    return [this.state];
  }
}

describe("A memory store with `checkStates`", () => {
  it("decides as one without", async () => {
    const limiters = {
      api: { ratePerSecond: 1, burst: 2 },
      login: { algorithm: "sliding_window", limit: 2, windowMs: 60_000 },
    } as const;
    await using rs = createRateSync({ stores: { here: { engine: "memory", checkStates: true } }, limiters });
    for (const limiter of ["api", "login"] as const) {
      for (const expected of [true, true, false]) assert.equal((await rs.tryAcquire(limiter)).allowed, expected);
    }
  });

  it("fails a call that leaves an invalid state", () => {
    const store = new Wrong();
    const policy = compilePolicy({ algorithm: "fixed_window", limit: 2, windowMs: 1_000 });
    const target: Target = { limiter: "api", key: undefined, policy, cost: 1, permits: 0 };
    const take = () => {
      return store.execute({ op: "take", mode: "now", targets: [target], maxWaitUs: 0, arrivalUs: 0, id: "" });
    };
    take();
    store.state = { windows: [{ startUs: 1, count: -1 }] };
    assert.throws(take, /Cannot trust the fixed_window of limiter "api": a window of -1 units/);
  });
});
