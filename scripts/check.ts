/**
 * The gate: everything that must hold before a change is done, but for the tests. `npm run check`.
 * Words select steps by a part of their name: `npm run check -- format layers`.
 *
 * @module
 */

import process from "node:process";

import { exitOnSignals, run, tool } from "./_process.ts";
import { pageProblems } from "./dashboard/page.ts";
import { referenceProblems } from "./docs/reference/reference.ts";
import { blockProblems } from "./docs/run.ts";
import { circleProblems } from "./layers/circles.ts";
import { layerProblems, loadProblems } from "./layers/check.ts";
import { readSources } from "./layers/sources.ts";
import { luaFormatProblems } from "./lua/format.ts";
import { luaProblems } from "./lua/scripts.ts";
import { manifestProblems, readManifests } from "./package/manifests.ts";
import { nextAppProblems } from "./package/next_app.ts";
import { packageProblems } from "./package/tarball.ts";
import { workerProblems } from "./package/worker.ts";
import { toolchainProblems } from "./toolchains/matrix.ts";

/** One thing to hold: a name and what is wrong with it. */
type Step = readonly [name: string, problems: () => Promise<string[]>];

process.setMaxListeners(0); // what steps start ends with this process

const sources = await readSources("src");
const manifests = await readManifests();
const entryFiles = Object.values(manifests.deno.exports);

const STEPS: readonly Step[] = [
  ["format", () => command("deno", "fmt", "--check")],
  ["format of Lua", luaFormatProblems],
  ["lint", () => command("deno", "lint")],
  ["layers", () => Promise.resolve(layerProblems(sources))],
  ["circles", async () => circleProblems(await readSources("src", "scripts", "tests"))],
  ["load", () => Promise.resolve(loadProblems("mod.ts", sources))],
  ["scripts", luaProblems],
  ["page", pageProblems],
  ["types", () => command("tsc", "-p", ".")],
  ["docs", () => command("deno", "doc", "--lint", "--quiet", ...entryFiles)],
  ["reference", () => referenceProblems(manifests.deno)],
  ["manifests", () => Promise.resolve(manifestProblems(manifests))],
  ["jsr", () => command("deno", "publish", "--dry-run", "--allow-dirty")],
  ["npm", () => packageProblems(manifests.npm)],
  ["code blocks", blockProblems],
  ["toolchains", () => toolchainProblems(process.env["RATESYNC_TOOLCHAINS"])],
  ["next", nextAppProblems],
  ["worker", workerProblems],
];

exitOnSignals();
const failed: string[] = [];
const words = process.argv.slice(2);
for (const [name, findProblems] of STEPS) {
  if (words.length > 0 && !words.some((word) => name.includes(word))) continue;
  const startedMs = performance.now();
  const problems = await findProblems();
  const seconds = `${((performance.now() - startedMs) / 1_000).toFixed(1)} s`;
  console.log(`${problems.length === 0 ? "ok    " : "FAILED"} ${name.padEnd(14)} ${seconds}`);
  if (problems.length > 0) {
    failed.push(name);
    console.log(problems.join("\n").replace(/^/gm, "       "));
  }
}
console.log(failed.length === 0 ? "\nThe gate is open." : `\nFailed: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;

/** A tool that says what is wrong and ends with another code than 0. */
async function command(name: "deno" | "tsc", ...args: string[]): Promise<string[]> {
  const { code, output } = await run(tool(name), args, { env: { ...process.env, NO_COLOR: "1", RUST_BACKTRACE: "0" } });
  return code === 0 ? [] : [output.trimEnd()];
}
