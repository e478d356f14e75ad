import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { kindOf, listWords, show } from "../../src/base/text.ts";
import { anyText } from "../_support/texts.ts";

describe("show()", () => {
  it("quotes strings and prints scalars as they are", () => {
    assert.equal(show("25"), '"25"');
    assert.equal(show(""), '""');
    assert.equal(show(1.5), "1.5");
    assert.equal(show(-0), "-0");
    assert.equal(show(NaN), "NaN");
    assert.equal(show(-Infinity), "-Infinity");
    assert.equal(show(10n), "10n");
    assert.equal(show(true), "true");
    assert.equal(show(undefined), "undefined");
    assert.equal(show(null), "null");
  });

  it("prints everything else as its kind", () => {
    assert.equal(show([]), "an empty array");
    assert.equal(show([1, 2]), "an array of 2");
    assert.equal(show({ a: 1 }), "an object");
    assert.equal(show(Promise.resolve()), "a promise");
    assert.equal(show(new Date(0)), "a date");
    assert.equal(show(() => 1), "a function");
    assert.equal(show(Symbol("s")), "a symbol");
  });

  it("cuts long strings between characters", () => {
    assert.equal(show("a".repeat(60)), `"${"a".repeat(60)}"`);
    assert.equal(show("a".repeat(61)), `"${"a".repeat(59)}…"`);
    assert.equal(show("a".repeat(58) + "😀".repeat(2)), `"${"a".repeat(58)}…"`);
  });

  it("hides the credentials of URLs", () => {
    assert.equal(show("redis://:pass word@h:6379"), '"redis://[hidden]@h:6379"');
    assert.equal(show("see rediss://u:p@ss@h"), '"see rediss://[hidden]@h"');
    assert.equal(show("a@b://c"), '"a@b://c"');
  });

  it("is short, on one line, and printable for any value", () => {
    fc.assert(
      fc.property(fc.oneof(anyText(), fc.anything()), (value) => {
        const text = show(value);
        assert.match(text, /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u);
        assert.ok(text.length <= 6 * 60 + 2);
      }),
    );
  });
});

describe("kindOf()", () => {
  it("does not contain the value", () => {
    assert.equal(kindOf("secret"), "a string");
    assert.equal(kindOf(12345), "a number");
    assert.equal(kindOf(null), "null");
    assert.equal(kindOf(undefined), "undefined");
    assert.equal(kindOf({}), "an object");
  });
});

describe("listWords()", () => {
  it("joins quoted words", () => {
    assert.equal(listWords([]), "none");
    assert.equal(listWords(["a"]), '"a"');
    assert.equal(listWords(["a", "b"]), '"a" or "b"');
    assert.equal(listWords(["a", "b", "c"], "and"), '"a", "b" and "c"');
  });
});
