import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

import { scriptsModule } from "../../scripts/lua/module.ts";
import { type Addition, PackageCopy } from "./_copy.ts";

const TOY = "tests/scripts/toy_algorithm";
const FOLDER = "src/algorithms/aligned_window";
const LUA = "src/stores/redis/lua";

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
    lines: `import { alignedWindowCodec } from "./aligned_window/codec.ts";
import { alignedWindowExcess, alignedWindowProblem } from "./aligned_window/invariants.ts";
import { alignedWindow } from "./aligned_window/kernel.ts";
`,
  },
  {
    file: "src/algorithms/kernels.ts",
    behind: "AnyRow>> = {\n",
    lines: `  aligned_window: row({
    kernel: alignedWindow,
    handover: windowHandover(alignedWindow),
    codec: alignedWindowCodec,
    problem: alignedWindowProblem,
    excess: alignedWindowExcess,
  }),
`,
  },
  {
    file: "src/algorithms/words.ts",
    behind: "LimitWords<Extract<RateLimit, { algorithm: Name }>> } = {\n",
    lines: `  aligned_window: windowWords({
    endsAtOnce: true,
    standing: (_limit, [used]) => \`\${used} taken in this window\`,
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

describe("Adding an algorithm", () => {
  it("takes its folder, its Lua, its limit, and a row in each table", { timeout: 240_000 }, async () => {
    using copy = new PackageCopy(TOY, ADDITIONS);
    for (const file of readdirSync(TOY)) {
      const to = file.endsWith(".lua") ? LUA : FOLDER;
      if (file !== "worker.ts") cpSync(join(TOY, file), join(copy.path, to, file));
    }
    const read = (name: string) => readFileSync(join(copy.path, LUA, `${name}.lua`), "utf8");
    const scripts = readdirSync(join(copy.path, LUA)).filter((file) => !file.startsWith("_")).sort()
      .map((file) => file.slice(0, -".lua".length));
    writeFileSync(join(copy.path, "src/stores/redis/scripts.gen.ts"), scriptsModule(scripts, read));
    assert.equal(await copy.compileAndRun(), "decided\n");
  });
});
