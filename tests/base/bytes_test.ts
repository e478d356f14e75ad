import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { ByteReader, ByteWriter } from "../../src/base/bytes.ts";

describe("ByteWriter.text()", () => {
  it("writes the length in bytes and UTF-8, of short and long texts in any letters", () => {
    const characters = ["a", "\u0000", "\u007f", "\u0080", "é", "ÿ", "語", "\u{1f600}"];
    const texts = characters.flatMap((character) => [0, 1, 15, 31, 32, 33, 70].map((size) => character.repeat(size)));
    for (const text of [...texts, ...texts.map((each) => `id:${each}`)]) {
      const out = new ByteWriter();
      out.text(text);
      const bytes = new TextEncoder().encode(text);
      const length = new ByteWriter();
      length.count(bytes.length);
      assert.deepEqual(out.result(), Uint8Array.of(...length.result(), ...bytes));
      assert.equal(new ByteReader(out.result()).text(), text);
    }
  });
});
