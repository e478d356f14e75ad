/**
 * Bundlers: one file that has everything in it, run where nothing is installed.
 *
 * @module
 */

import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { tool } from "../_process.ts";
import { TemporaryFolder } from "../_temporary.ts";
import { type Cell, failureOf, runCommand } from "./cells.ts";
import { Invocable } from "./invocable.ts";
import { projectWithoutRedis } from "./programs.ts";
import { cuttableProxy } from "./proxy.ts";
import type { Workshop } from "./workshop.ts";

/** How long a function is frozen. Platforms freeze for longer; a connection that was idle for less is not looked at. */
const FROZEN_MS = 100;

/** How one bundler makes one file. */
interface Bundler {
  /** The suffix of the file. */
  readonly suffix: "cjs" | "mjs";
  /** The command; `folder` has the tools in its node_modules. */
  command(folder: string, entry: string, output: string): readonly string[];
}

const ROLLUP_PLUGINS = ['node-resolve={exportConditions:["node"],preferBuiltins:true}', "commonjs", "json"];

const BUNDLERS: Readonly<Record<string, Bundler>> = {
  "esbuild esm": { suffix: "mjs", command: (...args) => esbuild("esm", ...args) },
  "esbuild esm, minified": { suffix: "mjs", command: (...args) => [...esbuild("esm", ...args), "--minify"] },
  "esbuild cjs": { suffix: "cjs", command: (...args) => esbuild("cjs", ...args) },
  rollup: {
    suffix: "mjs",
    command: (folder, entry, output) => [
      ...[tool("node"), join(folder, "node_modules/rollup/dist/bin/rollup"), entry, "-f", "esm", "-o", output],
      ...["--silent", "--inlineDynamicImports", ...ROLLUP_PLUGINS.flatMap((plugin) => ["-p", plugin])],
    ],
  },
  webpack: {
    suffix: "cjs",
    command: (folder, entry, output) => [tool("node"), join(folder, "bundle_webpack.cjs"), entry, output],
  },
  vite: {
    suffix: "mjs",
    command: (folder, entry, output) => [tool("node"), join(folder, "bundle_vite.mjs"), entry, output],
  },
  "bun build": {
    suffix: "mjs",
    command: (_folder, entry, output) => [tool("bun"), "build", entry, "--target=node", "--outfile", output],
  },
  "deno bundle": {
    suffix: "mjs",
    command: (_folder, entry, output) => [tool("deno"), "bundle", "--quiet", "--platform=deno", entry, "-o", output],
  },
};

function esbuild(format: string, folder: string, entry: string, output: string): readonly string[] {
  const program = join(folder, "node_modules/esbuild/bin/esbuild");
  return [
    program,
    entry,
    "--bundle",
    "--platform=node",
    `--format=${format}`,
    `--outfile=${output}`,
    "--log-level=error",
  ];
}

/** The bundlers, each with the usual settings for Node. */
export function bundleCells(workshop: Workshop): Cell[] {
  return Object.entries(BUNDLERS).flatMap(([name, bundler]) => [
    { name: `${name}, Node and a frozen function`, try: () => tryBundle(workshop, bundler) },
    { name: `${name}, without redis`, try: () => tryWithoutRedis(workshop, bundler) },
  ]);
}

/** Bundles, and runs the file elsewhere: Redis decides, also after the process was frozen and its connections were cut. */
async function tryBundle({ folder, env }: Workshop, { suffix, command }: Bundler): Promise<string | undefined> {
  using elsewhere = new TemporaryFolder("bundle");
  const output = join(elsewhere.path, `bundle.${suffix}`);
  const bundled = failureOf(await runCommand(command(folder, "bundled.mjs", output), { cwd: folder, env }));
  if (bundled !== undefined) return bundled;
  await using proxy = await cuttableProxy(env["REDIS_URL"] ?? "");
  await using program = new Invocable([tool("node"), output], { ...env, REDIS_URL: proxy.url });
  const answers = [await program.invoke(), await program.invoke(), await program.invoke()];
  const expected = [true, true, false].map((allowed) =>
    JSON.stringify({ allowed, degraded: false, errorName: "ConfigError" })
  );
  if (answers.join() !== expected.join()) return `answered ${answers.join()}\n${program.errors}`;
  for (let i = 0; i < 3; i++) {
    program.freeze();
    proxy.cut();
    await sleep(FROZEN_MS);
    program.thaw();
    const answer = await program.invoke();
    if (answer !== expected[2]) {
      return `answered ${answer} to invocation ${i + 1} after it was frozen\n${program.errors}`;
    }
  }
  return program.errors === "" ? undefined : `wrote to standard error:\n${program.errors}`;
}

/** Bundles a program that needs no Redis, in a project that has not installed `@redis/client`. */
async function tryWithoutRedis({ folder, env }: Workshop, { suffix, command }: Bundler): Promise<string | undefined> {
  using bare = await projectWithoutRedis(folder);
  const output = join(bare.path, "out", `bundle.${suffix}`);
  await mkdir(join(bare.path, "out"));
  const bundled = failureOf(await runCommand(command(folder, "bundled_memory.mjs", output), { cwd: bare.path, env }));
  if (bundled !== undefined) return bundled;
  using elsewhere = new TemporaryFolder("bundle");
  await copyFile(output, join(elsewhere.path, `bundle.${suffix}`));
  return failureOf(await runCommand([tool("node"), `bundle.${suffix}`], { cwd: elsewhere.path, env }));
}
