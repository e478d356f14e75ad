import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ConfigError } from "../../../src/base/errors.ts";
import { expandText } from "../../../src/registry/config/template.ts";
import { anyText } from "../../_support/texts.ts";
import { envOf } from "./_support.ts";

const env = envOf({ A: "a", HOST: "h", EMPTY: "", TRICKY: "${A}", constructor_: "c" });

function expand(template: string): string {
  return expandText(template, env, ["x"]).text;
}

function refused(template: string, expected: RegExp, received?: string): void {
  assert.throws(() => expand(template), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.path, "x");
    assert.match(error.expected, expected);
    if (received !== undefined) assert.equal(error.received, received);
    return true;
  });
}

describe("expandText()", () => {
  it("fills in variables, several in one string", () => {
    assert.equal(expand("${A}"), "a");
    assert.equal(expand("redis://:${A}@${HOST}:6379/0"), "redis://:a@h:6379/0");
    assert.equal(expand("${A}${A}"), "aa");
  });

  it("uses the default when the variable is not set or empty", () => {
    assert.equal(expand("${NO:-d}"), "d");
    assert.equal(expand("${EMPTY:-d}"), "d");
    assert.equal(expand("${A:-d}"), "a");
    assert.equal(expand("${NO:-}"), "");
    assert.equal(expand("${NO:-redis://localhost:6379/0}"), "redis://localhost:6379/0");
    assert.equal(expand("${NO:- a $ b : c - }"), " a $ b : c - ");
  });

  it("takes a set and empty variable without default as empty", () => {
    assert.equal(expand("[${EMPTY}]"), "[]");
  });

  it("expands defaults inside defaults, and only those that it needs", () => {
    assert.equal(expand("${NO:-${NEITHER:-x}}"), "x");
    assert.equal(expand("${NO:-<${A}>}"), "<a>");
    assert.equal(expand("${NO:-${EMPTY:-${A}}}"), "a");
    assert.equal(expand("${A:-${NO}}"), "a");
    refused("${NO:-${NEITHER}}", /^the environment variable NEITHER to be set/);
  });

  it("leaves a dollar alone", () => {
    for (const text of ["p$HOME", "$", "$$", "$A", "$ {A}", "a}b", "{A}", "%A%", "100$"]) {
      assert.deepEqual(expandText(text, env, []), { text, hasVariables: false });
    }
  });

  it("takes $${ for a literal ${", () => {
    assert.deepEqual(expandText("$${A}", env, []), { text: "${A}", hasVariables: false });
    assert.equal(expand("$${A}${A}"), "${A}a");
    assert.equal(expand("$$${A}"), "$${A}");
    assert.equal(expand("${NO:-$${}"), "${");
  });

  it("does not expand the values of variables", () => {
    assert.equal(expand("${TRICKY}"), "${A}");
  });

  it("says whether variables were part of the text", () => {
    assert.equal(expandText("a", env, []).hasVariables, false);
    assert.equal(expandText("${A}", env, []).hasVariables, true);
    assert.equal(expandText("${NO:-25}", env, []).hasVariables, true);
  });

  it("names a variable that is not set", () => {
    refused(
      "x${REDIS_URL}",
      /^the environment variable REDIS_URL to be set, or a default as in \$\{REDIS_URL:-default\}$/,
      "${REDIS_URL}, which is not set",
    );
    refused("${toString}", /^the environment variable toString to be set/);
  });

  it("refuses malformed variables", () => {
    refused("a${", /^a variable name/, "the end of the string");
    refused("${}", /^a variable name/, "something else");
    refused("${1A}", /^a variable name/);
    refused("${ A}", /^a variable name/);
    refused("${:-x}", /^a variable name/);
    refused("${Ä}", /^a variable name/);
    refused("${A", /^"}" or ":-"/, "the end of the string");
    refused("${A-x}", /^"}" or ":-"/, "something else");
    refused("${A.B}", /^"}" or ":-"/);
    refused("${A:?x}", /^"}" or ":-"/);
    refused("${A:-x", /^a "}" that ends the default$/, "the end of the string");
    refused("${NO:-${A}", /^a "}" that ends the default$/);
  });

  it("names the variable when the runtime refuses to read it", () => {
    const denied = () => {
      throw new Error("NotCapable");
    };
    assert.throws(() => expandText("${SECRET_NAME:-x}", denied, ["x"]), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.expected, /^permission to read the environment variable SECRET_NAME /);
      return true;
    });
  });

  it("refuses endless defaults before the stack ends", () => {
    refused("${A:-".repeat(100_000), /^at most 16 defaults inside each other$/);
    assert.equal(expand("${NO:-".repeat(16) + "x" + "}".repeat(16)), "x");
  });

  it("is the identity on text without ${", () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        fc.pre(!text.includes("${"));
        assert.deepEqual(expandText(text, env, []), { text, hasVariables: false });
      }),
    );
  });

  it("gives back any text whose every ${ is escaped", () => {
    const piece = fc.constantFrom("$", "{", "}", "${", ":-", "A", "x");
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join("");
        assert.equal(expand(text.replaceAll("${", () => "$${")), text);
      }),
    );
  });

  it("inserts any value unchanged", () => {
    fc.assert(
      fc.property(anyText(), (value) => {
        assert.equal(expandText("<${V}>", envOf({ V: value }), []).text, `<${value}>`);
      }),
    );
  });
});
