/**
 * Formats every file of the repository: `npm run fmt`.
 *
 * @module
 */

import process from "node:process";

import { run, tool } from "./_process.ts";
import { formatLuaFiles } from "./lua/format.ts";

await formatLuaFiles();
const { code } = await run(tool("deno"), ["fmt"], { live: true });
process.exitCode = code;
