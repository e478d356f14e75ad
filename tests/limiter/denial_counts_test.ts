import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { createRateSync, type LimitOptions } from "../../mod.ts";
import { DenialCounts } from "../../src/observe/denial_counts.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

const rate: fc.Arbitrary<LimitOptions> = fc.oneof(
  fc.record({ ratePerSecond: fc.integer({ min: 1, max: 3 }), burst: fc.integer({ min: 3, max: 6 }) }),
  fc.record({
    algorithm: fc.constantFrom("fixed_window" as const, "sliding_window" as const, "sliding_window_counter" as const),
    limit: fc.integer({ min: 3, max: 6 }),
    windowMs: fc.constantFrom(1_000, 4_000),
  }),
);

const policy = fc.record(
  { limits: fc.array(rate, { minLength: 1, maxLength: 3 }), maxConcurrent: fc.integer({ min: 3, max: 6 }) },
  { requiredKeys: ["limits"] },
);

const call = fc.record({
  key: fc.constantFrom("ann", "bob"),
  keyClass: fc.constantFrom("user", "address"),
  cost: fc.integer({ min: 1, max: 3 }),
}, { requiredKeys: ["cost"] });

const step = fc.record({
  call,
  limiters: fc.subarray(["a", "b"], { minLength: 1 }),
  before: fc.constantFrom("nothing", "time", "block", "other rules"),
});

describe("DenialCounts", () => {
  it("counts each denial by the limit that deniedBy names", async () => {
    const schedules = fc.array(step, { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(policy, policy, schedules, async (first, second, schedule) => {
        const clock = new FakeClock();
        await using rs = createRateSync<string>({ clock, limiters: { a: first, b: second } });
        const counts = new DenialCounts();
        const expected = new Map<string, number>();
        rs.observe({
          denied(limiter, _key, decision) {
            counts.count(limiter, decision);
            const { deniedBy } = decision;
            if (deniedBy?.limiter !== limiter) return;
            const name = JSON.stringify([limiter, deniedBy.keyClass, deniedBy.rule]);
            expected.set(name, (expected.get(name) ?? 0) + 1);
          },
        });
        for (const { call, limiters, before } of schedule) {
          if (before === "time") await clock.advance(700);
          if (before === "block") await rs.block("a", 100, call.key === undefined ? {} : { key: call.key });
          if (before === "other rules") rs.configureLimiter("b", call.cost === 1 ? first : second);
          if (limiters.length === 1) await rs.tryAcquire(limiters[0] as string, call);
          else await rs.tryAcquireAll(limiters.map((limiter) => ({ limiter, ...call })));
        }
        const read = counts.read().map(({ limiter, keyClass, rule, count }) =>
          [JSON.stringify([limiter, keyClass, rule]), count] as const
        );
        assert.deepEqual(new Map(read), expected);
        counts.reset();
        assert.deepEqual(counts.read(), []);
      }),
      { numRuns: 50 },
    );
  });
});
