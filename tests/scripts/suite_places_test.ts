import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { describe, it } from "node:test";

import { bundle } from "../../scripts/suite/bundles.ts";
import { NODE_TESTS } from "../../scripts/suite/node_tests.ts";
import { withSourcePlaces } from "../../scripts/suite/source_places.ts";

const FILE = "tests/scripts/suite_places_test";

/** This line of the source and of the compiled file, or the first one with another text. */
function lineOf(file: string, text: string = "This line of the source"): number {
  return readFileSync(file, "utf8").split("\n").findIndex((line) => line.includes(text)) + 1;
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

  it("names the source where a stack names a bundle of compiled files", async () => {
    const folder = `${NODE_TESTS}/tests/of_places`;
    await bundle({ inputs: { one: `dist/${FILE}.js` }, folder, maps: true });
    const bundled = `${folder}/one.js`;
    const text = `const FILE = "${FILE}`; // comments are in no bundle
    const place = `${FILE}.ts:${lineOf(`${FILE}.ts`, text)}:1`;
    assert.equal(withSourcePlaces(`at ${bundled}:${lineOf(bundled, text)}:1`), `at ${place}`);
    rmSync(folder, { recursive: true });
  });

  it("leaves other places as they are", () => {
    const text =
      `dist/tests/no_such_test.js:1:1 at ${FILE}.ts:3:4 node:internal/process:1:2 /x/node_modules/a/dist/b.js:1:1`;
    assert.equal(withSourcePlaces(text), text);
  });
});
