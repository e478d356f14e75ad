/**
 * Fills BENCHMARKS.md and draws its plots from what `npm run bench` measured on Node:
 * `node scripts/bootstrap.mjs benchmarks`. With `--check` it writes nothing and tells whether the files are current.
 *
 * @module
 */

import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import process from "node:process";

import { drawPage, pageProblems } from "./bench/page.ts";

if (!process.argv.includes("--check")) {
  for (const [path, text] of Object.entries(await drawPage())) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
}
const problems = await pageProblems();
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
