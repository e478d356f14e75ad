/**
 * Draws the plots of the guides from runs of the limits themselves: `node scripts/bootstrap.mjs plot_limits`.
 * With `--check` it writes nothing and tells whether the files are current.
 *
 * @module
 */

import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import process from "node:process";

import { drawPlots, plotProblems } from "./plots/plots.ts";

if (!process.argv.includes("--check")) {
  for (const [path, svg] of Object.entries(await drawPlots())) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, svg);
  }
}
const problems = await plotProblems();
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
