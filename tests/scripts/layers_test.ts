import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { circleProblems } from "../../scripts/layers/circles.ts";
import { layerProblems, loadProblems } from "../../scripts/layers/check.ts";
import { importProblem } from "../../scripts/layers/rules.ts";
import { importsOf, withoutText } from "../../scripts/layers/source.ts";

describe("importsOf()", () => {
  it("tells static, dynamic and type imports apart", () => {
    const text = `
import process from "node:process";
import type { A } from "./a.ts";
import {
  b,
  type B,
} from "./b.ts";
import "./c.ts";
export * from "./d.ts";
export type { E } from "./e.ts";
export const f = "no import from here";
const g = await import("./g.ts");
`;
    assert.deepEqual(importsOf(text), [
      { specifier: "node:process", kind: "static" },
      { specifier: "./a.ts", kind: "type" },
      { specifier: "./b.ts", kind: "static" },
      { specifier: "./c.ts", kind: "static" },
      { specifier: "./d.ts", kind: "static" },
      { specifier: "./e.ts", kind: "type" },
      { specifier: "./g.ts", kind: "dynamic" },
    ]);
  });

  it("reads no import in a comment", () => {
    assert.deepEqual(importsOf(`/*\nimport "./a.ts";\n*/\n// import("./b.ts")\n`), []);
  });
});

describe("withoutText()", () => {
  it("is not misled by quotes, slashes and comment signs inside each other", () => {
    const text =
      "const a = \"// no comment\"; const b = /[\"'/]/; call(); // 'really\nconst c = '/*'; stay(); /* gone */";
    const code = withoutText(text);
    assert.match(code, /call\(\);/);
    assert.match(code, /stay\(\);/);
    assert.doesNotMatch(code, /comment|really|gone/);
    assert.equal(code.length, text.length);
  });
});

describe("importProblem()", () => {
  const allowed: [string, string][] = [
    ["mod.ts", "src/registry/registry.ts"],
    ["src/algorithms/token_bucket/kernel.ts", "src/base/clock.ts"],
    ["src/policy/policy.ts", "src/algorithms/limit.ts"],
    ["src/stores/redis/store.ts", "src/stores/store.ts"],
    ["src/stores/redis/connections/pool.ts", "src/stores/redis/script.ts"],
    ["src/testing/fake_clock.ts", "src/limiter/limiter.ts"],
    ["src/stores/redis/store.ts", "src/stores/redis/_keys.ts"],
  ];
  for (const [from, to] of allowed) {
    it(`lets ${from} import ${to}`, () => assert.equal(importProblem(from, to), undefined));
  }

  const forbidden: [string, string, RegExp][] = [
    ["src/base/clock.ts", "src/algorithms/limit.ts", /base must not import algorithms/],
    ["src/algorithms/limit.ts", "src/policy/policy.ts", /algorithms must not import policy/],
    ["src/limiter/limiter.ts", "src/registry/registry.ts", /limiter must not import registry/],
    ["src/http/headers.ts", "src/cli/main.ts", /http must not import cli/],
    ["src/stores/memory/store.ts", "src/stores/redis/keys.ts", /stores\/memory must not know stores\/redis/],
    ["src/testing/conformance.ts", "src/http/headers.ts", /testing must not import http/],
    ["src/limiter/limiter.ts", "src/testing/fake_clock.ts", /testing is no layer that others may import/],
    ["src/limiter/limiter.ts", "src/stores/redis/_keys.ts", /private to src\/stores\/redis\//],
    ["src/new/thing.ts", "src/base/clock.ts", /new is no layer/],
  ];
  for (const [from, to, problem] of forbidden) {
    it(`forbids ${from} to import ${to}`, () => assert.match(importProblem(from, to) ?? "", problem));
  }
});

describe("layerProblems()", () => {
  it("finds a look at the clock outside base, and AbortSignal.any, with the line", () => {
    const text =
      `// Date.now() may be mentioned\nconst text = "Date.now()";\nconst now = \`\${Date.now()}\`;\nclock.setTimeout();\n` +
      `AbortSignal.any([]);\n`;
    const sources = new Map([["src/base/clock.ts", text], ["src/limiter/limiter.ts", text]]);
    assert.deepEqual(layerProblems(sources), [
      "src/limiter/limiter.ts:3: Date.now belongs in src/base/",
      "src/limiter/limiter.ts:5: AbortSignal.any belongs in src/base/",
    ]);
  });

  it("finds an import of a file that does not exist", () => {
    const sources = new Map([["src/limiter/limiter.ts", `import { a } from "../base/a.ts";\n`]]);
    assert.deepEqual(layerProblems(sources), ["src/limiter/limiter.ts: there is no src/base/a.ts"]);
  });
});

describe("circleProblems()", () => {
  const sources = (imports: Record<string, string>) =>
    new Map(Object.entries(imports).map(([path, specifier]) => [path, `import type { A } from "${specifier}";\n`]));

  it("finds two files that import types of each other, and tells of them once", () => {
    const pair = sources({ "src/b.ts": "./a.ts", "src/a.ts": "./b.ts", "src/c.ts": "./a.ts" });
    assert.deepEqual(circleProblems(pair, []), ["circle: src/a.ts -> src/b.ts -> src/a.ts"]);
  });

  it("finds a circle through a dynamic import and another folder", () => {
    const files = new Map([
      ["src/a.ts", `await import("./b/b.ts");\n`],
      ["src/b/b.ts", `export * from "../c.ts";\n`],
      ["src/c.ts", `import { a, type B } from "./a.ts";\n`],
    ]);
    assert.deepEqual(circleProblems(files, []), ["circle: src/a.ts -> src/b/b.ts -> src/c.ts -> src/a.ts"]);
  });

  it("finds a file that imports itself", () => {
    assert.deepEqual(circleProblems(sources({ "src/a.ts": "./a.ts" }), []), ["circle: src/a.ts -> src/a.ts"]);
  });

  it("finds none where imports point one way", () => {
    assert.deepEqual(
      circleProblems(sources({ "src/a.ts": "./b.ts", "src/b.ts": "./c.ts", "src/c.ts": "redis" }), []),
      [],
    );
  });

  it("allows the circles inside a listed folder, and none that leaves it", () => {
    const inside = sources({ "src/x/a.ts": "./b.ts", "src/x/b.ts": "./a.ts" });
    const across = sources({ "src/x/c.ts": "../d.ts", "src/d.ts": "./x/c.ts" });
    assert.deepEqual(circleProblems(new Map([...inside, ...across]), ["src/x/"]), [
      "circle: src/d.ts -> src/x/c.ts -> src/d.ts",
    ]);
  });

  it("fails when a listed folder has no circle any more", () => {
    const [problem] = circleProblems(sources({ "src/x/a.ts": "./b.ts" }), ["src/x/"]);
    assert.match(problem ?? "", /src\/x\/ has no circle any more/);
  });
});

describe("loadProblems()", () => {
  it("follows what is loaded at once, and nothing else", () => {
    const sources = new Map([
      ["mod.ts", `export { a } from "./src/a.ts";\nimport type { T } from "node:net";\n`],
      ["src/a.ts", `import { createClient } from "redis";\nimport("./lazy.ts");\nimport "./b.ts";\n`],
      ["src/b.ts", `import "../mod.ts";\nimport fs from "node:fs";\n`],
      ["src/lazy.ts", `import { parse } from "smol-toml";\n`],
    ]);
    assert.deepEqual(loadProblems("mod.ts", sources), [
      "mod.ts loads redis: mod.ts -> src/a.ts",
      "mod.ts loads node:fs: mod.ts -> src/a.ts -> src/b.ts",
    ]);
  });
});
