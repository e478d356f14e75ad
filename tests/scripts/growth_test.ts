import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { growthBetween, thirds } from "../../scripts/soak/growth.ts";

describe("The growth of a soak's figures", () => {
  const allowed = { heapMb: (before: number) => before * 1.3 + 4 };
  const grown = (early: readonly number[], late: readonly number[]) =>
    growthBetween(early.map((heapMb) => ({ heapMb })), late.map((heapMb) => ({ heapMb })), allowed);

  it("is what goes beyond the limit for the most that was there before", () => {
    assert.deepEqual(grown([8, 10, 9], [17, 12]), []);
    assert.deepEqual(grown([8, 10, 9], [12, 17.1]), ["heapMb grew from 10 to 17.1"]);
  });

  it("is none where a figure was not measured", () => {
    assert.deepEqual(grown([NaN], [900]), []);
    assert.deepEqual(grown([10, NaN], [NaN]), []);
    assert.deepEqual(grown([10, NaN], [NaN, 18]), ["heapMb grew from 10 to 18"]);
  });

  it("compares parts of the same length", () => {
    assert.deepEqual(thirds([1, 2, 3, 4, 5, 6, 7]), [[1, 2], [3, 4], [6, 7]]);
  });
});
