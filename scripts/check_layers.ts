/**
 * Checks the layers of the source: `node scripts/bootstrap.mjs check_layers`.
 *
 * @module
 */

import process from "node:process";

import { layerProblems, loadProblems } from "./layers/check.ts";
import { readSources } from "./layers/sources.ts";

const sources = await readSources();
const problems = [...layerProblems(sources), ...loadProblems("mod.ts", sources)];
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
