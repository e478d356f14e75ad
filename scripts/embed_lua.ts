/**
 * Writes the Lua scripts of the Redis store into their TypeScript module: `npm run embed`.
 * With `--check` it writes nothing and tells whether the module is current.
 *
 * @module
 */

import { writeFile } from "node:fs/promises";
import process from "node:process";

import { currentModule, luaProblems, SCRIPTS_MODULE } from "./lua/scripts.ts";

if (!process.argv.includes("--check")) await writeFile(SCRIPTS_MODULE, await currentModule());
const problems = await luaProblems();
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
