import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ConfigError } from "../../../src/base/errors.ts";
import { FromEnvironment, showPath } from "../../../src/registry/config/document.ts";
import { expandDocument } from "../../../src/registry/config/expand.ts";
import { envOf } from "./_support.ts";

const env = envOf({ A: "a", N: "25" });

/** Turns a document back into what a parser returns. */
function unwrap(value: unknown): unknown {
  if (value instanceof FromEnvironment) return value.text;
  if (Array.isArray(value)) return value.map(unwrap);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, unwrap(item)]));
  return value;
}

function refused(document: unknown, path: string, expected: RegExp, received: RegExp): void {
  assert.throws(() => expandDocument(document, env), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.path, path);
    assert.match(error.expected, expected);
    assert.match(error.received, received);
    return true;
  });
}

describe("expandDocument()", () => {
  it("expands keys and values at every depth", () => {
    const document = { "s-${A}": { list: ["${A}", { "${A}": "x${A}" }], n: 1, b: true } };
    assert.deepEqual(unwrap(expandDocument(document, env)), {
      "s-a": { list: ["a", { a: "xa" }], n: 1, b: true },
    });
  });

  it("marks the strings that held a variable, and makes no numbers", () => {
    const table = expandDocument({ a: "${N}", b: "25", c: "$${N}", d: "${NO:-25}" }, env);
    assert.deepEqual(table.get("a"), new FromEnvironment("25"));
    assert.equal(table.get("b"), "25");
    assert.equal(table.get("c"), "${N}");
    assert.deepEqual(table.get("d"), new FromEnvironment("25"));
  });

  it("names the place of what it refuses", () => {
    refused({ a: { "b c": ["x", "${NO}"] } }, 'a."b c"[1]', /variable NO to be set/, /which is not set/);
    refused({ limiters: { "${NO}": {} } }, 'limiters."${NO}"', /variable NO to be set/, /which is not set/);
    refused({ a: { a: 1, "${A}": 2 } }, 'a."${A}"', /^keys that differ/, /^"a" twice$/);
  });

  it("refuses a value that is not a table, without repeating it", () => {
    for (const document of ["text", 5, null, undefined, [], new Date(0)]) {
      refused(
        document,
        "configuration",
        /^a table with sections/,
        /^(a string|a number|null|undefined|an empty array|a date)$/,
      );
    }
  });

  it("refuses a document that never ends", () => {
    const endless: Record<string, unknown> = {};
    endless.again = endless;
    refused(endless, Array(8).fill("again").join("."), /at most 8 deep$/, /^an object$/);
  });

  it("keeps dangerous keys as keys", () => {
    const document = JSON.parse('{"__proto__": {"polluted": "${A}"}, "constructor": {"prototype": {"x": 1}}}');
    const table = expandDocument(document, env);
    assert.deepEqual([...table.keys()], ["__proto__", "constructor"]);
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
    assert.equal(({} as Record<string, unknown>).x, undefined);
  });

  it("does not change the document, and returns it as it is without ${", () => {
    const leaf = fc.oneof(fc.string(), fc.constant("${A}"), fc.double(), fc.boolean(), fc.constant(null));
    const key = fc.oneof(fc.string(), fc.constantFrom("${A}", "__proto__", "toString"));
    const { document } = fc.letrec((tie) => ({
      document: fc.dictionary(key, fc.oneof({ maxDepth: 3 }, leaf, tie("document"), fc.array(leaf, { maxLength: 3 })), {
        noNullPrototype: true,
      }),
    }));
    fc.assert(
      fc.property(document, (value) => {
        const before = structuredClone(value);
        let table: unknown;
        try {
          table = expandDocument(value, env);
        } catch (error) {
          assert.ok(error instanceof ConfigError);
        }
        assert.deepEqual(value, before);
        if (table !== undefined && !JSON.stringify(value).includes("${")) {
          assert.deepEqual(unwrap(table), { ...(value as object) });
        }
      }),
    );
  });
});

describe("showPath()", () => {
  it("spells places as TOML does", () => {
    assert.equal(showPath([]), "configuration");
    assert.equal(showPath(["limiters", "api", "limits", 1, "limit"]), "limiters.api.limits[1].limit");
    assert.equal(showPath(["limiters", "a.b", "x"]), 'limiters."a.b".x');
    assert.equal(showPath(["limiters", ""]), 'limiters.""');
  });
});
