import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import type { RateLimit } from "../../src/algorithms/limit.ts";
import { compileLimit } from "../../src/policy/compile_policy.ts";
import type { LimitOptions } from "../../src/policy/options.ts";
import { runs } from "../_support/arbitraries.ts";
import { startArb, Track } from "./_track.ts";

const START_US = 1_767_225_600_000_001;

/** The instants at which units are admitted one by one, each as early as possible. */
function* admitted(limit: RateLimit, startUs: number, how: "polled" | "reserved"): Generator<number> {
  const track = new Track(limit, startUs);
  for (;;) {
    if (how === "polled") track.nowUs = track.earliest(1);
    yield track.reserve(1).atUs;
  }
}

/** Every unit past the burst comes at ceil(n * period / units) after the start. */
function assertNoDrift(options: LimitOptions, count: number, how: "polled" | "reserved", startUs: number): void {
  const limit = compileLimit(options, "");
  assert.equal(limit.algorithm, "token_bucket");
  const [units, periodUs] = fraction(options);
  let n = 1n - BigInt(limit.capacity);
  for (const atUs of admitted(limit, startUs, how)) {
    const dueUs = n <= 0n ? 0n : (n * periodUs + units - 1n) / units;
    assert.equal(BigInt(atUs - startUs), dueUs, `unit ${n} after the burst`);
    if (++n > BigInt(count)) return;
  }
}

/** Units and the microseconds they take, as whole numbers, from what the user wrote. */
function fraction({ ratePerSecond, limit, windowMs }: LimitOptions): [bigint, bigint] {
  if (ratePerSecond === undefined) return [BigInt(limit as number), BigInt(Math.round((windowMs as number) * 1_000))];
  const thirds = Math.round(ratePerSecond * 3);
  if (thirds / 3 === ratePerSecond) return [BigInt(thirds), 3_000_000n];
  const [whole, decimals = ""] = String(ratePerSecond).split(".") as [string, string?];
  return [BigInt(whole + decimals), 1_000_000n * 10n ** BigInt(decimals.length)];
}

describe("A saturated token bucket", () => {
  for (const how of ["polled", "reserved"] as const) {
    for (const ratePerSecond of [700_001, 3, 1 / 3, 7, 33.3, 999_999, 1_000_000]) {
      it(`admits unit n at ceil(n * period / units) at ${ratePerSecond} a second, ${how}`, () => {
        assertNoDrift({ ratePerSecond, burst: 3 }, 100_000, how, START_US);
      });
    }

    it(`admits unit n at ceil(n * period / units) at any rate, ${how}`, { timeout: 300_000 }, () => {
      const optionsArb: fc.Arbitrary<LimitOptions> = fc.oneof(
        fc.record({ ratePerSecond: fc.integer({ min: 1, max: 1_000_000 }), burst: fc.integer({ min: 1, max: 40 }) }),
        fc.record({
          ratePerSecond: fc.integer({ min: 1, max: 100_000_000 }).map((hundredths) => hundredths / 100),
          burst: fc.integer({ min: 1, max: 40 }),
        }),
        fc.record({
          limit: fc.integer({ min: 1, max: 100_000 }),
          windowMs: fc.integer({ min: 100_000, max: 1e11 }).map((us) => us / 1_000),
          burst: fc.integer({ min: 1, max: 40 }),
        }),
      );
      fc.assert(
        fc.property(optionsArb, startArb, (options, startUs) => assertNoDrift(options, 2_000, how, startUs)),
        { numRuns: runs(300) },
      );
    });
  }
});

describe("Saturated windows", () => {
  for (const algorithm of ["sliding_window", "fixed_window"] as const) {
    for (const how of ["polled", "reserved"] as const) {
      it(`of ${algorithm} fill up exactly a window after each other, ${how}`, () => {
        const limit = compileLimit({ algorithm, limit: 7, windowMs: 1.003 }, "");
        let n = 0;
        for (const atUs of admitted(limit, START_US, how)) {
          assert.equal(atUs - START_US, Math.floor(n / 7) * 1_003);
          if (++n > 20_000) return;
        }
      });
    }
  }
});
