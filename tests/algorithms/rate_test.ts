import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { simplestFraction } from "../../src/algorithms/rational.ts";
import { runs } from "../_support/arbitraries.ts";

describe("A rate as a fraction", () => {
  it("reads back as the same number, and ends for every number", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-7, max: 1e6, noNaN: true }), (rate) => {
        const { numerator, denominator } = simplestFraction(rate);
        assert.equal(numerator / denominator, rate);
      }),
      {
        numRuns: runs(5_000),
        examples: [[0.00042864184526469234], [1.1760117434874756e-7], [0.00010950877033966326], [1e-7]],
      },
    );
  });

  it("is the simplest fraction of that number", () => {
    const part = fc.integer({ min: 1, max: 10_000 });
    fc.assert(
      fc.property(part, part, (a, b) => {
        const { numerator, denominator } = simplestFraction(a / b);
        assert.equal(BigInt(numerator) * BigInt(b), BigInt(denominator) * BigInt(a));
        assert.ok(denominator <= b);
      }),
      { numRuns: runs(5_000) },
    );
  });
});
