import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { flatOf, kernelOf, type RateState } from "../../src/algorithms/kernels.ts";
import type { RateLimit } from "../../src/algorithms/limit.ts";
import { runs } from "../_support/arbitraries.ts";
import { ALGORITHMS, rateArb } from "./_track.ts";

const FLAT = ALGORITHMS.filter((algorithm) => algorithm !== "sliding_window");

/** What happens: time passes, also backwards, and a share of the capacity is asked for. */
const stepArb = fc.record({
  us: fc.oneof(
    fc.constantFrom(0, 0, 1, 2, 1_000),
    fc.integer({ min: 0, max: 5_000_000 }),
    fc.constantFrom(-1, -1_000, -1e9),
  ),
  share: fc.oneof(fc.constantFrom(0, 0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
  /** Waits for exactly as long as the denial before said. */
  obeys: fc.boolean(),
});

/** Where a row begins: numbers around it are not its own. */
const AT = 2;

function same(rate: RateLimit, state: RateState, rows: Float64Array, nowUs: number): void {
  const flat = flatOf(rate)!;
  const kernel = kernelOf(rate);
  const level = { first: NaN, second: NaN };
  flat.measure(rows, AT, nowUs, level);
  assert.deepEqual([level.first, level.second], kernel.measure(state, nowUs, rate), "level");
  assert.equal(flat.freshFromUs(rows, AT), kernel.freshFromUs(state, rate), "fresh from");
  assert.deepEqual(flat.read(rows, AT), state, "state");
}

describe("States as numbers", () => {
  for (const algorithm of FLAT) {
    it(`decide as the kernel of ${algorithm} does, to the integer`, () => {
      fc.assert(
        fc.property(
          rateArb(algorithm),
          fc.integer({ min: 1, max: 2 ** 51 }),
          fc.array(stepArb, { minLength: 1, maxLength: 40 }),
          (rate, startUs, steps) => {
            const flat = flatOf(rate)!;
            const kernel = kernelOf(rate);
            const rows = new Float64Array(AT + flat.width + 1).fill(-7);
            rows.fill(0, AT, AT + flat.width);
            let state = kernel.fresh();
            let nowUs = startUs;
            let waitUs = 0;
            for (const { us, share, obeys } of steps) {
              nowUs = Math.max(nowUs + (obeys && waitUs > 0 ? waitUs : us), 1);
              const cost = 1 + Math.floor(share * (rate.capacity - 1));
              const isSettled = kernel.settle(state, nowUs, rate) === state;
              const atUs = flat.earliest(rows, AT, nowUs, cost);
              assert.equal(Number.isNaN(atUs), !isSettled, "a step back of the clock");
              if (!isSettled) {
                state = kernel.settle(state, nowUs, rate);
                if (!flat.fits(state)) return; // a bucket remembers that units were forgiven
                flat.write(state, rows, AT);
                continue;
              }
              assert.equal(atUs, kernel.earliest(state, nowUs, cost, rate), "earliest");
              waitUs = atUs - nowUs;
              if (waitUs > 0) continue;
              flat.take(rows, AT, nowUs, cost);
              state = kernel.take(state, nowUs, nowUs, cost, rate);
              assert.ok(flat.fits(state), "a state after a take fits");
              same(rate, state, rows, nowUs);
            }
            same(rate, state, rows, nowUs + 1);
            assert.deepEqual([...rows.subarray(0, AT), rows.at(-1)], [-7, -7, -7], "numbers of others");
          },
        ),
        { numRuns: runs(3_000) },
      );
    });
  }

  it("know a state that is more than they hold", () => {
    for (const algorithm of FLAT) {
      fc.assert(fc.property(rateArb(algorithm), (rate) => {
        const kernel = kernelOf(rate);
        const nowUs = 1e15;
        const full = kernel.take(kernel.fresh(), nowUs, nowUs, rate.capacity, rate);
        const atUs = kernel.earliest(full, nowUs, 1, rate);
        const promised = kernel.take(full, nowUs, atUs, 1, rate);
        assert.equal(flatOf(rate)!.fits(promised), false);
      }));
    }
  });
});
