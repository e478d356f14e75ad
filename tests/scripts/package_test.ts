import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { strayFiles } from "../../scripts/package/tarball.ts";

describe("strayFiles()", () => {
  it("knows what serves a user of the package", () => {
    const files = [
      "LICENSE",
      "README.md",
      "dist/mod.d.ts",
      "dist/mod.js.map",
      "dist/src/stores/redis/mod.js",
      "mod.ts",
      "package.json",
      "src/stores/redis/lua/_prelude.lua",
      "src/stores/redis/mod.ts",
    ];
    assert.deepEqual(strayFiles(files), []);
  });

  it("finds everything else", () => {
    const files = [
      "dist/.tsbuildinfo",
      "dist/tests/a_test.js",
      "scripts/test.ts",
      "src/base/clock_test.ts",
      "deno.json",
    ];
    assert.deepEqual(strayFiles(files), files.map((file) => `the package must not hold ${file}`));
  });
});
