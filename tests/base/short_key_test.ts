import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";

import fc from "fast-check";

import { sha256Hex } from "../../src/base/sha256.ts";
import { MAX_PLAIN_KEY, shortKey } from "../../src/base/short_key.ts";

describe("sha256Hex()", () => {
  it("gives the same digest as the runtime, at every length around the block size and beyond", () => {
    for (let length = 0; length < 300; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 7 + length) % 256);
      assert.equal(sha256Hex(bytes), createHash("sha256").update(bytes).digest("hex"), `${length} bytes`);
    }
  });

  it("gives the same digest as the runtime for any bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 1_000 }), (bytes) => {
      assert.equal(sha256Hex(bytes), createHash("sha256").update(bytes).digest("hex"));
    }));
  });
});

describe("shortKey()", () => {
  it("leaves keys of up to 200 characters as they are", () => {
    for (const key of [undefined, "", "a", "~".repeat(MAX_PLAIN_KEY)]) assert.equal(shortKey(key), key);
  });

  it("gives every long key a text of 201 characters", () => {
    for (const length of [201, 202, 16_384, 65_536]) assert.equal(shortKey("a".repeat(length)).length, 201);
  });

  it("never gives two keys one text, also where they differ in a lone surrogate, in order, or in length", () => {
    const long = "x".repeat(300);
    const keys = [
      `${long}\ud800`,
      `${long}\ud801`,
      `${long}\ufffd`,
      `a${long}`,
      `${long}a`,
      long,
      `${long}\0`,
      `\0${long}`,
    ];
    assert.equal(new Set(keys.flatMap((key) => [key, shortKey(key)])).size, 2 * keys.length);
    for (const key of keys) assert.equal(shortKey(key), shortKey(key));
  });
});
