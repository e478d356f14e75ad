import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";

import { run, tool } from "../../scripts/_process.ts";
import { TemporaryFolder } from "../../scripts/_temporary.ts";
import { scriptsModule } from "../../scripts/lua/module.ts";

const TOY = "tests/scripts/toy";
const FOLDER = "src/algorithms/aligned_window";
const LUA = "src/stores/redis/lua";

/** Lines that CONTRIBUTING.md tells to add, and what stands in front of them. */
interface Addition {
  readonly file: string;
  readonly behind: string;
  readonly lines: string;
}

/** All lines outside the files of the algorithm itself. */
const ADDITIONS: readonly Addition[] = [
  {
    file: "src/algorithms/limit.ts",
    behind: "  | SlidingWindowLimit\n",
    lines: "  | AlignedWindowLimit\n",
  },
  {
    file: "src/algorithms/limit.ts",
    behind: " */\n\n",
    lines: `/** At most \`capacity\` units in each window; windows begin at multiples of their length. */
export interface AlignedWindowLimit {
  /** Which kernel counts it. */
  readonly algorithm: "aligned_window";
  /** Units in a window. */
  readonly capacity: number;
  /** The window's length in microseconds. */
  readonly windowUs: number;
}

`,
  },
  {
    file: "src/algorithms/mod.ts",
    behind: 'import type { Algorithm } from "./algorithm.ts";\n',
    lines: 'import { alignedWindowAlgorithm } from "./aligned_window/mod.ts";\n',
  },
  {
    file: "src/algorithms/mod.ts",
    behind: "  fixed_window: fixedWindowAlgorithm,\n",
    lines: "  aligned_window: alignedWindowAlgorithm,\n",
  },
  {
    file: "src/algorithms/kernels.ts",
    behind: " */\n\n",
    lines: `import { alignedWindowExcess, alignedWindowProblem } from "./aligned_window/invariants.ts";
import { alignedWindow } from "./aligned_window/kernel.ts";
`,
  },
  {
    file: "src/algorithms/kernels.ts",
    behind: "AnyRow>> = {\n",
    lines: `  aligned_window: row({
    kernel: alignedWindow,
    handover: windowHandover(alignedWindow),
    problem: alignedWindowProblem,
    excess: alignedWindowExcess,
  }),
`,
  },
  {
    file: `${LUA}/_algorithms.lua`,
    behind: "--- @include _fixed_window\n",
    lines: "--- @include _aligned_window\n",
  },
  {
    file: `${LUA}/_corrections.lua`,
    behind: "local runs_of_state, section_numbers, read_state, written_state = {}, {}, {}, {}\n",
    lines: "--- @include _aligned_window_corrections\n",
  },
];

/** A copy of the package with one algorithm more, by the steps of CONTRIBUTING.md and no others. */
function addAlgorithm(root: string): void {
  for (const path of ["src", "mod.ts", "package.json", "tsconfig.json", TOY]) {
    cpSync(path, join(root, path), { recursive: true });
  }
  symlinkSync(resolve("node_modules"), join(root, "node_modules"));
  for (const file of readdirSync(TOY)) {
    const from = join(TOY, file);
    if (file.endsWith(".lua")) cpSync(from, join(root, LUA, file));
    else if (file !== "worker.ts") cpSync(from, join(root, FOLDER, file));
  }
  for (const { file, behind, lines } of ADDITIONS) {
    const path = join(root, file);
    const text = readFileSync(path, "utf8");
    assert.ok(text.includes(behind), `${file} has no line ${behind}`);
    writeFileSync(path, text.replace(behind, () => behind + lines));
  }
  const read = (name: string) => readFileSync(join(root, LUA, `${name}.lua`), "utf8");
  const scripts = readdirSync(join(root, LUA)).filter((file) => !file.startsWith("_")).sort()
    .map((file) => file.slice(0, -".lua".length));
  writeFileSync(join(root, "src/stores/redis/scripts.gen.ts"), scriptsModule(scripts, read));
}

describe("Adding an algorithm", () => {
  it("takes its folder, its Lua, its limit, and a row in each table", { timeout: 240_000 }, async () => {
    using folder = new TemporaryFolder("toy");
    const root = folder.path;
    addAlgorithm(root);
    const config = {
      extends: "./tsconfig.json",
      compilerOptions: { noEmit: false, noEmitOnError: true, outDir: "dist", rootDir: "." },
      include: ["mod.ts", "src", `${TOY}/worker.ts`],
      exclude: [],
    };
    writeFileSync(join(root, "tsconfig.toy.json"), JSON.stringify(config));
    const compiled = await run(tool("tsc"), ["-p", join(root, "tsconfig.toy.json")], { cwd: root });
    assert.equal(compiled.output, "");
    const decided = await run(tool("node"), [join(root, "dist", TOY, "worker.js")], { cwd: root, env: process.env });
    assert.equal(decided.output, "decided\n");
  });
});
