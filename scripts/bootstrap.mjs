/**
 * The door to every command of this repository: `node scripts/bootstrap.mjs <command> [arguments]`.
 *
 * Plain JavaScript that needs nothing installed, because Node 20 runs no TypeScript: it installs the dependencies
 * when they are missing or stale, compiles the repository to dist/, and runs the command from there.
 */

import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const [command = "test"] = process.argv.splice(2, 1);

if (command === "start" && runsUnderBun()) {
  become(process.env.npm_execpath ?? "bun", ["examples/server.ts"]);
} else {
  if (!dependenciesAreCurrent()) install();
  compile();
  await load(command);
}

/** Whether what npm last installed is what package-lock.json asks for. */
function dependenciesAreCurrent() {
  const installed = "node_modules/.package-lock.json";
  if (!existsSync(installed)) return false;
  const have = JSON.parse(readFileSync(installed, "utf8")).packages;
  const want = JSON.parse(readFileSync("package-lock.json", "utf8")).packages;
  return Object.entries(want).every(([path, { version, optional }]) =>
    path === "" || optional || have[path]?.version === version
  );
}

function install() {
  console.error("Installing dependencies: npm ci");
  run("npm", ["ci", "--no-audit", "--no-fund"]);
}

/** Compiles to dist/ what changed since the last time, and removes what has no source any more. */
function compile() {
  run("node", ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"]);
  for (const output of filesUnder("dist")) {
    const source = relative("dist", output).replace(/(\.d\.ts|\.js)(\.map)?$/, ".ts");
    const isBuilt = /^(?:bundle|types)[\\/]/.test(source); // by scripts/build.ts, from what is compiled
    if (source.endsWith(".ts") && !existsSync(source) && !isBuilt) rmSync(output);
  }
  nameCompiled();
}

/** Inside dist/, the package's own name means what was compiled there, not the bundle that npm publishes. */
function nameCompiled() {
  const { name, type, exports } = JSON.parse(readFileSync("package.json", "utf8"));
  const compiled = Object.entries(exports).map((
    [entry, { import: { types } }],
  ) => [entry, types.replace("./dist/types/", "./").replace(/\.d\.ts$/, ".js")]);
  const manifest = { name, type, exports: Object.fromEntries(compiled) };
  writeFileSync("dist/package.json", `${JSON.stringify(manifest, null, 2)}\n`);
}

function filesUnder(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesUnder(path) : [path];
  });
}

async function load(name) {
  process.setSourceMapsEnabled?.(true);
  await import(pathToFileURL(name === "start" ? "dist/examples/server.js" : `dist/scripts/${name}.js`).href);
}

function runsUnderBun() {
  return process.env.npm_config_user_agent?.startsWith("bun/") ?? false;
}

/** Runs a step whose failure ends this process. What it prints goes to standard error: `npm pack` reads the other. */
function run(program, args) {
  const { status, error } = spawnSync(program, args, { stdio: ["ignore", 2, 2] });
  if (error) console.error(`Cannot run ${program}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

/** Lets a program take the place of this process: its signals go there, its exit code comes from there. */
function become(program, args) {
  const child = spawn(program, args, { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code) => process.exit(code ?? 1));
}
