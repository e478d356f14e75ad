import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { editDistance, nearest } from "../../src/base/nearest.ts";

const KNOWN = ["rate_per_second", "max_concurrent", "timeout", "limit", "limits", "url", "db"];

describe("nearest()", () => {
  it("finds the word that was meant", () => {
    assert.equal(nearest("rate_per_secnod", KNOWN), "rate_per_second");
    assert.equal(nearest("ratePerSecond", KNOWN), "rate_per_second");
    assert.equal(nearest("rate-per-second", KNOWN), "rate_per_second");
    assert.equal(nearest("RATE_PER_SECOND", KNOWN), "rate_per_second");
    assert.equal(nearest("timeoutMs", KNOWN), "timeout");
    assert.equal(nearest("limit_", KNOWN), "limit");
    assert.equal(nearest("ulr", KNOWN), "url");
  });

  it("returns undefined if no word is near", () => {
    assert.equal(nearest("colour", KNOWN), undefined);
    assert.equal(nearest("x", KNOWN), undefined);
    assert.equal(nearest("", KNOWN), undefined);
    assert.equal(nearest("a".repeat(1_000_000), KNOWN), undefined);
    assert.equal(nearest("limit", []), undefined);
  });

  it("finds a known word itself", () => {
    for (const word of KNOWN) assert.equal(nearest(word, KNOWN), word);
  });
});

describe("editDistance()", () => {
  it("counts insertions, deletions, replacements and swaps", () => {
    assert.equal(editDistance("abc", "abc"), 0);
    assert.equal(editDistance("abc", "abcd"), 1);
    assert.equal(editDistance("abc", "ac"), 1);
    assert.equal(editDistance("abc", "axc"), 1);
    assert.equal(editDistance("abc", "acb"), 1);
    assert.equal(editDistance("", "abc"), 3);
    assert.equal(editDistance("kitten", "sitting"), 3);
  });

  it("is symmetric, 0 only for equal words, and at most the longer length", () => {
    const word = fc.string({ maxLength: 12, unit: fc.constantFrom("a", "b", "c") });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        assert.equal(distance, editDistance(b, a));
        assert.equal(distance === 0, a === b);
        assert.ok(distance <= Math.max(a.length, b.length));
      }),
    );
  });
});
