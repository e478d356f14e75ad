import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";

import { TemporaryFolder } from "../../scripts/_temporary.ts";
import { loadOf, mainEntryProblems } from "../../scripts/package/load.ts";
import { strayFiles } from "../../scripts/package/tarball.ts";

describe("strayFiles()", () => {
  it("knows what serves a user of the package", () => {
    const files = [
      "LICENSE",
      "README.md",
      "dist/mod.d.ts",
      "dist/bundle/mod.js",
      "dist/bundle/rate_sync-CWbsuEYC.js.map",
      "dist/src/stores/redis/mod.d.ts.map",
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
      "dist/mod.js",
      "dist/package.json",
      "dist/src/stores/redis/mod.js.map",
      "dist/tests/a_test.js",
      "scripts/test.ts",
      "src/base/clock_test.ts",
      "deno.json",
    ];
    assert.deepEqual(strayFiles(files), files.map((file) => `the package must not hold ${file}`));
  });
});

const MINIFIED = {
  "mod.js": 'import{a}from"./shared.js";import t from"./text.js";export{b}from"./shared.js";export const c=()=>a+t;',
  "shared.js": 'export const a=1,b=()=>import("redis").then(()=>import(`./late.js`));',
  "text.js": "export default`import \\\"node:fs\\\"; import('late')`;",
  "late.js": 'import"node:fs";',
};

describe("loadOf()", () => {
  it("follows static imports, and no others", async () => {
    using folder = await write(MINIFIED);
    const { files, foreign } = await loadOf(join(folder.path, "mod.js"));
    const expected = ["mod.js", "shared.js", "text.js"] as const;
    assert.deepEqual(
      Object.fromEntries(files),
      Object.fromEntries(expected.map((n) => [join(folder.path, n), MINIFIED[n]])),
    );
    assert.deepEqual(foreign, []);
  });

  it("finds drivers and modules of the runtime behind other files", async () => {
    using folder = await write({
      ...MINIFIED,
      "shared.js": 'export*from"redis";import"node:fs";export const a=1,b=2;',
    });
    assert.deepEqual((await loadOf(join(folder.path, "mod.js"))).foreign, ["redis", "node:fs"]);
  });
});

describe("mainEntryProblems()", () => {
  it("finds none in a small entry", async () => {
    using folder = await write(MINIFIED);
    assert.deepEqual(await mainEntryProblems(join(folder.path, "mod.js"), 1_000), []);
  });

  it("finds a driver", async () => {
    using folder = await write({ "mod.js": 'import"redis";' });
    assert.deepEqual(await mainEntryProblems(join(folder.path, "mod.js")), ["the main entry loads redis"]);
  });

  it("finds too much, wherever it lies", async () => {
    using folder = await write(MINIFIED);
    const [problem = "", ...others] = await mainEntryProblems(join(folder.path, "mod.js"), 100);
    assert.match(problem, /^the main entry loads \d+ bytes gzipped, more than 100$/);
    assert.deepEqual(others, []);
  });
});

async function write(files: Readonly<Record<string, string>>): Promise<TemporaryFolder> {
  const folder = new TemporaryFolder("load");
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder.path, name), text);
  return folder;
}
