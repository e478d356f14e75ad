import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { algorithmOf } from "../../../src/algorithms/mod.ts";
import type { Policy } from "../../../src/policy/policy.ts";
import { compilePolicy } from "../../../src/policy/compile_policy.ts";
import { MemoryStore } from "../../../src/stores/memory/memory_store.ts";
import type { CorrectRequest, StoreRequest, TakeReply, TakeRequest, Target } from "../../../src/stores/store.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import { runs } from "../../_support/arbitraries.ts";
import { fullRefillUs } from "../../_support/auditor/bounds.ts";
import { assertTogether, OPTIONS, PAIRS, type Taken } from "./_changed_rules.ts";

const usesArb = fc.array(
  fc.record({
    us: fc.oneof(fc.constantFrom(0, 0, 1, 1_000), fc.integer({ min: 0, max: 3_000_000 })),
    cost: fc.integer({ min: 1, max: 3 }),
  }),
  { minLength: 1, maxLength: 24 },
);

/** A memory store under one policy after the other. */
class Key {
  readonly clock = new FakeClock();
  readonly store = new MemoryStore({ clock: this.clock });
  readonly taken: Taken[] = [];
  #sequence = 0;

  ask(policy: Policy, cost: number, mode: TakeRequest["mode"] = "now"): TakeReply {
    const target: Target = { limiter: "l", key: "k", policy, cost, permits: policy.maxConcurrent && 1 };
    const id = target.permits > 0 ? `i.${this.#sequence++}.d.0.1.${cost}` : "";
    const request: TakeRequest = { op: "take", targets: [target], mode, maxWaitUs: 0, id, arrivalUs: 0 };
    const reply = this.store.execute(request) as TakeReply;
    if (reply.status === "allowed" && mode === "now") this.taken.push({ atUs: reply.nowUs, cost, policy });
    return reply;
  }

  pass(us: number): void {
    this.clock.set(this.clock.nowUs() + us);
  }
}

function requestFor(
  op: TakeRequest["mode"] | CorrectRequest["op"] | "block" | "release" | "renew",
  policy: Policy,
): StoreRequest {
  const targets: readonly [Target] = [{ limiter: "l", key: "k", policy, cost: 1, permits: policy.maxConcurrent && 1 }];
  const id = "i.0.d.0.1.1";
  if (op === "now" || op === "peek" || op === "wait") {
    return { op: "take", targets, mode: op, maxWaitUs: 0, id, arrivalUs: 0 };
  }
  if (op === "block") return { op, targets, durationUs: 0 };
  return op === "release" || op === "renew" ? { op, targets, id } : { op, targets };
}

function remaining(policy: Policy, { levels: [level] }: TakeReply): number[] {
  return policy.rates.map((rate, i) => {
    const { remaining } = algorithmOf(rate.algorithm).standing(rate, level?.rates[i] ?? [0, 0]);
    return Math.max(remaining, 0);
  });
}

describe("A limiter in memory whose rules change", () => {
  it("counts every unit on, between any two policies", () => {
    for (const [name, before, after] of PAIRS) {
      for (let units = 0; units <= before.capacity; units++) {
        const key = new Key();
        for (let i = 0; i < units; i++) assert.equal(key.ask(before, 1).status, "allowed");
        const left = remaining(after, key.ask(after, 1, "peek"));
        assert.deepEqual(
          left,
          after.rates.map(({ capacity }) => Math.max(capacity - units, 0)),
          `${name}, ${units} used`,
        );
      }
    }
  });

  it("reads the clock once in each request, also in the first one by the new rules", () => {
    let readings = 0;
    class Ticking extends FakeClock {
      override nowUs(): number {
        return super.nowUs() + ++readings;
      }
    }
    for (const [name, ...policies] of PAIRS) {
      const store = new MemoryStore({ clock: new Ticking() });
      for (const op of ["now", "peek", "wait", "refund", "penalize", "block", "reset", "release", "renew"] as const) {
        for (const policy of policies) {
          const before = readings;
          store.execute(requestFor(op, policy));
          assert.equal(readings - before, 1, `${name}: ${op}`);
        }
      }
    }
  });

  it("keeps the used share with scale, and begins anew with reset", () => {
    const before = compilePolicy({ limit: 10, windowMs: 60_000 });
    for (const [, options] of OPTIONS) {
      for (const [onChange, used] of [["scale", 0.3], ["reset", 0]] as const) {
        const after = compilePolicy({ ...options, onChange });
        const key = new Key();
        assert.equal(key.ask(before, 3).status, "allowed");
        assert.deepEqual(
          remaining(after, key.ask(after, 1, "peek")),
          after.rates.map(({ capacity }) => capacity - Math.ceil(capacity * used)),
        );
      }
    }
  });

  it("admits no more than the larger of both bounds, and makes no call wait longer than a full refill", () => {
    fc.assert(
      fc.property(fc.constantFrom(...PAIRS), usesArb, usesArb, ([name, before, after], first, second) => {
        const key = new Key();
        for (const { us, cost } of first) {
          key.pass(us);
          key.ask(before, Math.min(cost, before.capacity));
        }
        const changedUs = key.clock.nowUs();
        const { status, waitUs } = key.ask(after, 1, "peek");
        assert.ok(waitUs <= fullRefillUs(after.rates), `${name}: a wait of ${waitUs} µs`);
        if (status === "rate") {
          key.pass(waitUs - 1);
          assert.equal(key.ask(after, 1, "peek").status, "rate", `${name}: too early`);
          key.pass(1);
          assert.equal(key.ask(after, 1).status, "allowed", `${name}: after ${key.clock.nowUs() - changedUs} µs`);
        }
        for (const { us, cost } of second) {
          key.pass(us);
          key.ask(after, Math.min(cost, after.capacity));
        }
        assertTogether([before, after], key.taken, name);
      }),
      { numRuns: runs(3_000) },
    );
  });

  it("keeps a block", () => {
    for (const [name, before, after] of PAIRS) {
      const key = new Key();
      const target: Target = { limiter: "l", key: "k", policy: before, cost: 1, permits: 0 };
      key.store.execute({ op: "block", targets: [target], durationUs: 60_000_000 });
      assert.equal(key.ask(after, 1).status, "blocked", name);
    }
  });

  it("goes on as it was where only other options change", () => {
    for (const [name, options] of OPTIONS) {
      const [before, after] = [options, { ...options, timeoutMs: 7 }].map((each) => compilePolicy(each)) as [
        Policy,
        Policy,
      ];
      const key = new Key();
      key.ask(before, 1);
      key.pass(1_000_000);
      const level = key.ask(before, 1, "peek").levels;
      assert.deepEqual(key.ask(after, 1, "peek").levels, level, name);
    }
  });
});
