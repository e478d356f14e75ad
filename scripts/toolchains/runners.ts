/**
 * The runners of tests: each runs a test that uses the whole package, by `import` and by `require`.
 *
 * @module
 */

import { join } from "node:path";

import { tool } from "../_process.ts";
import { type Cell, type MissingCell, programCell } from "./cells.ts";
import type { Runtime } from "./runtimes.ts";
import type { Workshop } from "./workshop.ts";

const FORMATS = ["import", "require"] as const;

/** Runners that are programs for Node. */
const RUNNERS: Readonly<Record<string, { readonly args: readonly string[]; readonly folder: string }>> = {
  Jest: { args: ["jest/bin/jest.js", "--cacheDirectory=.cache"], folder: "jest" },
  "ts-jest": { args: ["jest/bin/jest.js", "--cacheDirectory=.cache"], folder: "ts-jest" },
  vitest: { args: ["vitest/vitest.mjs", "run"], folder: "vitest" },
};

/** Combinations that the runners themselves exclude. */
const EXCLUDED: Readonly<Record<string, string>> = { "Node 20.0, vitest": "vite needs Node 20.19" };

/** Jest, ts-jest, vitest and node:test on each Node; bun test; deno test. */
export function runnerCells(workshop: Workshop, nodes: readonly Runtime[]): (Cell | MissingCell)[] {
  const { folder, env } = workshop;
  const onNode = nodes.flatMap(({ name, command }) => [
    ...Object.entries(RUNNERS).flatMap(([runner, { args: [script = "", ...args], folder: files }]) =>
      FORMATS.map((format) => {
        const cell = `${name}, ${runner}`;
        const missing = EXCLUDED[cell];
        if (missing !== undefined) return { name: `${cell}, ${format}`, missing };
        // Jest runs ES modules that are not compiled only with this flag.
        const flags = runner === "Jest" && format === "import" ? { NODE_OPTIONS: "--experimental-vm-modules" } : {};
        return programCell(
          `${cell}, ${format}`,
          [...command, join(folder, "node_modules", script), ...args, `${format}.test`],
          { cwd: join(folder, files), env: { ...env, ...flags } },
        );
      })
    ),
    ...[["import", "mjs"], ["require", "cjs"]].map(([format, suffix]) =>
      programCell(`${name}, node:test, ${format}`, [...command, "--test", `node/${format}.test.${suffix}`], {
        cwd: folder,
        env,
      })
    ),
  ]);
  const elsewhere = FORMATS.flatMap((format) => [
    programCell(`bun test, ${format}`, [tool("bun"), "test", "--timeout", "60000", `${format}.test`], {
      cwd: join(folder, "bun"),
      env,
    }),
    programCell(`deno test, ${format}`, [tool("deno"), "test", "--allow-all", "--no-check", `${format}.test.mjs`], {
      cwd: join(folder, "deno"),
      env,
    }),
  ]);
  return [...onNode, ...elsewhere];
}
