/**
 * Programs that use the package without a tool in between.
 *
 * @module
 */

import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import { TemporaryFolder } from "../_temporary.ts";
import { type Cell, failureOf, programCell, runCommand } from "./cells.ts";
import type { Runtime } from "./runtimes.ts";
import type { Workshop } from "./workshop.ts";

/** The most that an uncaught error may print, in bytes. */
const MAX_ERROR_BYTES = 2_000;

/** Mistakes that end a program, and a word of the message that each must print. */
const MISTAKES: readonly (readonly [code: string, word: string])[] = [
  ["createRateSync({ limiters: { api: { ratePerSecnd: 10 } } });", "ratePerSecnd"],
  ["createRateSync({ stores: { s: { engine: 'redis', url: 'redis://h:1/x' } } });", "stores.s.url"],
  ["createRateSync({ limiters: { api: { limit: 1, windowMs: 1 } } }).acquire('apy');", "apy"],
];

/** The program, where the workshop has it. */
const RATESYNC = "node_modules/@ratesync/core/dist/bundle/program/ratesync.cjs";

/** The whole package on each runtime, by `import` and by `require`. */
export function loadCells({ folder, env }: Workshop, runtimes: readonly Runtime[]): Cell[] {
  return runtimes.flatMap(({ name, command }) =>
    ["import.mjs", "require.cjs"].map((file) =>
      programCell(`${name}, ${file.split(".")[0]}`, [...command, file], { cwd: folder, env })
    )
  );
}

/** The program `ratesync`: it writes a configuration, and checks it. */
export function ratesyncCells({ folder, env }: Workshop, runtimes: readonly Runtime[]): Cell[] {
  return runtimes.map(({ name, command }) => ({
    name: `${name}, ratesync`,
    try: async () => {
      using written = new TemporaryFolder("ratesync");
      const file = join(written.path, "rate-sync.toml");
      for (const words of [["init", file], ["check", file]]) {
        const failure = failureOf(
          await runCommand([...command, RATESYNC, ...words], { cwd: folder, env }),
        );
        if (failure !== undefined) return failure;
      }
      return undefined;
    },
  }));
}

/** Two copies of the package in one process. */
export async function copyCells({ folder, env }: Workshop, runtimes: readonly Runtime[]): Promise<Cell[]> {
  const other = join(folder, "other/node_modules");
  await linkProject(folder, other, ["@redis", "ipaddr.js", "smol-toml"]);
  const options = { cwd: folder, env: { ...env, OTHER_COPY: join(other, "@ratesync/core") } };
  return runtimes.map(({ name, command }) =>
    programCell(`${name}, two copies of the package`, [...command, "copies.mjs"], options)
  );
}

/** A project in which `@redis/client` is not installed. */
export function withoutRedisCells({ folder, env }: Workshop, runtimes: readonly Runtime[]): Cell[] {
  return runtimes.map(({ name, command }) => ({
    name: `${name}, without redis`,
    try: async () => {
      using bare = await projectWithoutRedis(folder);
      return failureOf(await runCommand([...command, "without_redis.mjs"], { cwd: bare.path, env }));
    },
  }));
}

/** A project that has the package and the programs of the workshop, but not `@redis/client`. */
export async function projectWithoutRedis(folder: string): Promise<TemporaryFolder> {
  const bare = new TemporaryFolder("bare");
  await linkProject(folder, join(bare.path, "node_modules"), ["ipaddr.js", "smol-toml"]);
  for (const file of ["package.json", "without_redis.mjs", "bundled_memory.mjs"]) {
    await cp(join(folder, file), join(bare.path, file));
  }
  return bare;
}

/** A copy of the package, beside links to what it needs. */
async function linkProject(folder: string, modules: string, dependencies: readonly string[]): Promise<void> {
  await mkdir(join(modules, "@ratesync"), { recursive: true });
  await cp(join(folder, "node_modules/@ratesync/core"), join(modules, "@ratesync/core"), { recursive: true });
  for (const name of dependencies) await symlink(resolve("node_modules", name), join(modules, name), "junction");
}

/** What an uncaught error prints: short, and with the message in it. */
export function mistakeCells({ folder, env }: Workshop, { name, command }: Runtime): Cell[] {
  const formats = { import: 'import { createRateSync } from "@ratesync/core";', require: "" };
  return Object.entries(formats).flatMap(([format, head]) =>
    MISTAKES.map(([code, word], i) => ({
      name: `${name}, ${format}, uncaught error ${i + 1}`,
      try: async () => {
        const file = `mistake${i}.${format === "import" ? "mjs" : "cjs"}`;
        const text = head || 'const { createRateSync } = require("@ratesync/core");';
        await writeFile(join(folder, file), `${text}\n${code}\n`);
        const { code: exitCode, output } = await runCommand([...command, file], { cwd: folder, env });
        if (exitCode === 0 || !output.includes(word)) return `printed no message about ${word}:\n${output}`;
        return output.length > MAX_ERROR_BYTES ? `printed ${output.length} bytes:\n${output}` : undefined;
      },
    }))
  );
}
