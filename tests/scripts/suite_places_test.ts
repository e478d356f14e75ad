import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

import { withSourcePlaces } from "../../scripts/suite/source_places.ts";

const FILE = "tests/scripts/suite_places_test";

/** This line of the source and of the compiled file. */
function lineOf(file: string): number {
  return readFileSync(file, "utf8").split("\n").findIndex((line) => line.includes("This line of the source")) + 1;
}

describe("withSourcePlaces()", () => {
  const [source, compiled] = [lineOf(`${FILE}.ts`), lineOf(`dist/${FILE}.js`)];

  it("names the source and its line, where a stack names a compiled file", () => {
    const stack = `at f (file:///home/me/a-b_c/dist/${FILE}.js:${compiled + 1}:5) and dist/${FILE}.js:${
      compiled + 1
    }:5`;
    const place = `${FILE}.ts:${source + 1}:1`;
    assert.equal(withSourcePlaces(stack), `at f (${place}) and ${place}`);
  });

  it("leaves other places as they are", () => {
    const text =
      `dist/tests/no_such_test.js:1:1 at ${FILE}.ts:3:4 node:internal/process:1:2 /x/node_modules/a/dist/b.js:1:1`;
    assert.equal(withSourcePlaces(text), text);
  });
});
