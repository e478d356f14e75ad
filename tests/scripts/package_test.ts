import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describe, it } from "node:test";

import { TemporaryFolder } from "../../scripts/_temporary.ts";
import { withLateChunks } from "../../scripts/package/bundle.ts";
import { withoutSpaces } from "../../scripts/package/lines.ts";
import { loadOf, mainEntryProblems } from "../../scripts/package/load.ts";
import { strayFiles, unpackedProblems } from "../../scripts/package/tarball.ts";

describe("strayFiles()", () => {
  it("knows what serves a user of the package", () => {
    const files = [
      "LICENSE",
      "README.md",
      "dist/bundle/chunks/main.cjs",
      "dist/bundle/mod.cjs",
      "dist/bundle/mod.js",
      "dist/types/globals.d.ts",
      "dist/types/src/stores/redis/mod.d.cts",
      "package.json",
    ];
    assert.deepEqual(strayFiles(files), []);
  });

  it("finds everything else", () => {
    const files = [
      "dist/.tsbuildinfo",
      "dist/mod.js",
      "dist/package.json",
      "dist/bundle/mod.js.map",
      "dist/src/stores/redis/mod.js",
      "dist/types/mod.d.ts.map",
      "mod.ts",
      "src/stores/redis/mod.ts",
      "dist/tests/a_test.js",
      "scripts/test.ts",
      "src/base/clock_test.ts",
      "deno.json",
    ];
    assert.deepEqual(strayFiles(files), files.map((file) => `the package must not hold ${file}`));
  });
});

describe("withoutSpaces()", () => {
  const code = `#!/usr/bin/env node
// A comment.
const text = \`a;  b
  c\`;
function first(number) { if (number > 1) { return [number,  text]; } return { number, "a b": 1 }; }
exports.first = first;
`;

  it("keeps names, and gives each statement a line", async () => {
    assert.deepEqual((await withoutSpaces("a.cjs", code, false)).split("\n"), [
      "#!/usr/bin/env node",
      "const text=`a;  b",
      "  c`;",
      "function first(number){",
      "if(number>1){",
      "return[number,text]}",
      'return{number,"a b":1}}',
      "exports.first=first;",
      "",
    ]);
  });

  it("shortens names of a program, in lines that are not long", async () => {
    const long = `${code}exports.list = [${Array.from({ length: 200 }, (_, i) => `first(${i})`).join(", ")}];\n`;
    const short = await withoutSpaces("a.cjs", long, true);
    assert.ok(short.startsWith("#!/usr/bin/env node\n") && !/number(?!:)/.test(short), short);
    assert.ok(short.split("\n").every((line) => line.length <= 200), short);
    const exported: { list?: unknown[] } = {};
    new Function("exports", short.replace(/^#!.*/, ""))(exported);
    assert.deepEqual(exported.list?.slice(1, 3), [{ number: 1, "a b": 1 }, [2, "a;  b\n  c"]]);
  });
});

describe("withLateChunks()", () => {
  it("requires a late file at the first call of one of its functions, and only then", () => {
    const code = 'const $headers = require("./headers.cjs");\nreturn (ms) => $headers.seconds(ms);';
    const required: string[] = [];
    const require = (file: string) => (required.push(file), { seconds: (ms: number) => ms / 1_000 });
    const call = new Function("require", withLateChunks(code))(require) as (ms: number) => number;
    assert.deepEqual(required, []);
    assert.deepEqual([call(1_000), call(2_000), call(3_000)], [1, 2, 3]);
    assert.deepEqual(required, ["./headers.cjs"]);
  });
});

describe("unpackedProblems()", () => {
  const files = { "mod.cjs": `// ${"x".repeat(697)}\n`, "mod.d.cts": `// ${"x".repeat(500)}` };

  it("finds none in a small package whose code has short lines", async () => {
    using folder = await write(files);
    assert.deepEqual(await unpackedProblems(folder.path, Object.keys(files), { library: 2_000, all: 2_000 }), []);
  });

  it("finds a package that is too large", async () => {
    using folder = await write(files);
    const problems = await unpackedProblems(folder.path, Object.keys(files), { library: 100, all: 200 });
    assert.deepEqual(problems, [
      "what a service loads is 1204 bytes, more than 100",
      "the package unpacks to 1204 bytes, more than 200",
    ]);
    using aside = await write({ "dist/bundle/program/a.cjs": "x".repeat(1_000) });
    const limits = { library: 100, all: 2_000 };
    assert.deepEqual(await unpackedProblems(aside.path, ["dist/bundle/program/a.cjs"], limits), []);
  });

  it("finds a store that others load", async () => {
    const [http, redis, nats] = ["http", "chunks/redis_store", "chunks/nats_store"].map((name) =>
      `dist/bundle/${name}.cjs`
    );
    using folder = await write({
      [http as string]: 'const $redis_store=require("./chunks/redis_store.cjs");\n',
      [redis as string]: 'require("./nats_store.cjs");\nconst a=()=>require("./postgres_store.cjs");\n',
      [nats as string]: 'const $nats_options=require("./nats_options.cjs");\n',
    });
    assert.deepEqual(await unpackedProblems(folder.path, [http, redis, nats] as string[]), [
      `${http} loads ${redis}, which is for one kind of store`,
      `${redis} loads ${nats}, which is for one kind of store`,
    ]);
  });

  it("finds minified code", async () => {
    using folder = await write({ "mod.js": "x".repeat(701) });
    assert.deepEqual(await unpackedProblems(folder.path, ["mod.js"]), [
      "mod.js has a line of more than 700 characters",
    ]);
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

  it("follows calls of require at the top level of CommonJS, and no others", async () => {
    using folder = await write({
      "mod.js": 'export { a } from "./mod.cjs";',
      "mod.cjs": 'const main = require("./main.cjs");\nrequire("./text.cjs");\nexports.a = main.a;',
      "main.cjs": 'const redis = require("redis");\nexports.a = () => require("./late.cjs");',
      "text.cjs": "",
    });
    const { files, foreign } = await loadOf(join(folder.path, "mod.js"));
    assert.deepEqual([...files.keys()].map((file) => basename(file)), ["mod.js", "mod.cjs", "main.cjs", "text.cjs"]);
    assert.deepEqual(foreign, ["redis"]);
  });

  it("stops in front of files that are loaded later", async () => {
    using folder = await write(MINIFIED);
    const [entry, late] = ["mod.js", "shared.js"].map((name) => join(folder.path, name)) as [string, string];
    assert.equal((await loadOf(entry, [late])).files.has(late), false);
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
    assert.match(problem, /^the main entry loads \d+ bytes minified and gzipped, more than 100$/);
    assert.deepEqual(others, []);
  });
});

async function write(files: Readonly<Record<string, string>>): Promise<TemporaryFolder> {
  const folder = new TemporaryFolder("load");
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder.path, name)), { recursive: true });
    await writeFile(join(folder.path, name), text);
  }
  return folder;
}
