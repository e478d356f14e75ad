import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { ByteReader, ByteWriter } from "../../../src/base/bytes.ts";
import { StoreError } from "../../../src/base/errors.ts";
import { compilePolicy } from "../../../src/policy/compile_policy.ts";
import type { LimiterOptions } from "../../../src/policy/options.ts";
import { freshEntry } from "../../../src/stores/memory/entry_table.ts";
import { decodeEntry, encodeEntry } from "../../../src/stores/memory/entry_codec.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import {
  limitersArb,
  permitLimitersArb,
  permitStepArb,
  runs,
  startArb,
  type Step,
  stepArb,
} from "../../_support/arbitraries.ts";
import { ByteStore } from "../../_support/byte_store.ts";
import { runHistory } from "../../_support/histories/history.ts";
import { runInMemory } from "../../_support/histories/run.ts";
import { assertParityOf, type ParitySubject } from "../../_support/store_parity.ts";
import { plainStates } from "../../_support/stored_state.ts";

const START_US = 1_700_000_000_000_000;

/** A store of bytes beside the memory store: what is kept must be the same. */
function byteSubject(clock: FakeClock): ParitySubject {
  const store = new ByteStore(clock);
  return {
    store,
    another: store,
    compare(target, states) {
      const { rates } = target.policy;
      const isFresh = states.length > 0 && plainStates(rates, states).every((numbers) => numbers.every((n) => n === 0));
      // The memory store forgets what is as good as fresh.
      if (!isFresh) assert.deepEqual(plainStates(rates, store.statesOf(target)), plainStates(rates, states));
      return Promise.resolve();
    },
  };
}

describe("Entries as bytes", () => {
  it("decide as the entries themselves, whatever was taken, given back and promised", async () => {
    await fc.assert(
      fc.asyncProperty(
        limitersArb,
        startArb,
        fc.array(stepArb, { minLength: 1, maxLength: 30 }),
        (limiters, startUs, steps) => assertParityOf(limiters, startUs, steps, byteSubject),
      ),
      { numRuns: runs(400) },
    );
  });

  it("keep permits and queues", async () => {
    await fc.assert(
      fc.asyncProperty(
        permitLimitersArb,
        startArb,
        fc.array(permitStepArb, { minLength: 1, maxLength: 40, size: "max" }),
        (limiters, startUs, steps) => assertParityOf(limiters, startUs, steps, byteSubject),
      ),
      { numRuns: runs(300) },
    );
  });

  it("do so when the clock steps back", async () => {
    const backArb = fc.tuple(
      stepArb.filter(({ ask }) => ask !== "block"),
      fc.constantFrom(0, 0, 1, 2, 1_000, 5_000_000, 36e9),
    ).map(([step, us]): Step => us === 0 ? step : { ...step, move: { by: "us", us: -us } });
    await fc.assert(
      fc.asyncProperty(
        limitersArb.map((limiters) => limiters.slice(0, 1)),
        startArb,
        fc.array(backArb, { minLength: 1, maxLength: 30 }),
        (limiters, startUs, steps) => assertParityOf(limiters, startUs, steps, byteSubject),
      ),
      { numRuns: runs(200) },
    );
  });

  it("answer random histories as the memory store does", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const clock = new FakeClock(START_US);
      const answers = await runHistory(seed, { processes: [new ByteStore(clock)], clock });
      assert.deepEqual(answers, await runInMemory(seed), `seed ${seed}`);
    }
  });

  it("are small", async () => {
    const cases: readonly (readonly [LimiterOptions, number])[] = [
      [{ ratePerSecond: 3, burst: 20 }, 13],
      [{ algorithm: "fixed_window", limit: 100, windowMs: 60_000 }, 13],
      [{ limits: [60_000, 3_600_000].map((windowMs) => ({ algorithm: "fixed_window", limit: 100, windowMs })) }, 23],
      [{ algorithm: "sliding_window_counter", limit: 100, windowMs: 60_000 }, 14],
      [{ algorithm: "sliding_window", limit: 100, windowMs: 60_000 }, 22],
      [{ maxConcurrent: 5 }, 70],
    ];
    for (const [options, most] of cases) {
      const store = new ByteStore(new FakeClock(START_US));
      const policy = compilePolicy(options);
      const target = { limiter: "api", key: "k", policy, cost: 1, permits: policy.maxConcurrent && 1 };
      const id = "1vK3Xw9QzLmA.17~30000000.d.0.1.1";
      await store.execute({ op: "take", mode: "now", targets: [target], maxWaitUs: 0, arrivalUs: 0, id });
      const size = store.sizeOf(target);
      assert.ok(size <= most, `${JSON.stringify(options)} takes ${size} bytes, not ${most}`);
    }
  });

  it("of other versions, and damaged ones, are refused and never misread", () => {
    const policy = compilePolicy({
      limits: [{ ratePerSecond: 3 }, { algorithm: "fixed_window", limit: 3, windowMs: 1 }],
    });
    const bytes = encodeEntry({ ...freshEntry(policy), blockedUs: START_US }, () => 7);
    const policyOf = (ref: number) => ref === 7 ? policy : undefined;
    assert.equal(decodeEntry(bytes, policyOf).blockedUs, START_US);
    const refused = (damaged: Uint8Array, message: RegExp, known = policyOf) => {
      assert.throws(() => decodeEntry(damaged, known), (error) => {
        assert.ok(error instanceof StoreError && error.reason === "foreign_state", String(error));
        assert.match(error.message, message);
        return true;
      });
    };
    refused(Uint8Array.of(2, ...bytes.subarray(1)), /it has form 2, and this version reads form 1/);
    refused(new Uint8Array(0), /it has form none/);
    refused(bytes, /nothing is known of its rules 7/, () => undefined);
    refused(Uint8Array.of(...bytes, 0), /its bytes are damaged/);
    for (let end = 1; end < bytes.length; end++) refused(bytes.subarray(0, end), /its bytes are damaged/);
  });
});

describe("ByteWriter", () => {
  it("writes whole numbers and texts that ByteReader reads", () => {
    const countArb = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(127, 128, 2 ** 28 - 1, 2 ** 28, 2 ** 53 - 1));
    fc.assert(fc.property(fc.array(fc.tuple(countArb, fc.boolean(), fc.string({ unit: "grapheme" }))), (items) => {
      const out = new ByteWriter();
      for (const [count, isNegative, text] of items) {
        out.count(count);
        out.signed(isNegative ? -count : count);
        out.text(text);
      }
      const from = new ByteReader(out.result());
      for (const [count, isNegative, text] of items) {
        assert.deepEqual([from.count(), from.signed() + 0, from.text()], [count, isNegative ? 0 - count : count, text]);
      }
      assert.ok(from.isAtEnd);
    }));
  });

  it("refuses what is no whole number", () => {
    const out = new ByteWriter();
    for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53]) assert.throws(() => out.count(value), RangeError);
    for (const value of [0.5, NaN, -Infinity, 2 ** 53]) assert.throws(() => out.signed(value), RangeError);
  });
});
