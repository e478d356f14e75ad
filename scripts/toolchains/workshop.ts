/**
 * A project that has the packed package and the tools of tests/toolchains/.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";

import { filesUnder } from "../_files.ts";
import { run } from "../_process.ts";
import { TemporaryFolder } from "../_temporary.ts";

/** Where the tools and the programs are. */
const TOOLS = "tests/toolchains";

/** What the package needs at run time; the repository has it installed. */
const DEPENDENCIES = ["@redis", "ipaddr.js", "smol-toml"];

/** A project to try tools in. */
export interface Workshop extends Disposable {
  /** Where it is: the programs of tests/toolchains/fixtures, and node_modules. */
  readonly folder: string;
  /** What programs find in their environment. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Prepares it: installs the tools, if they are not there, and packs the package.
 *
 * @param redisUrl The Redis that programs decide on.
 * @throws {Error} If the tools cannot be installed, or the package cannot be packed.
 */
export async function openWorkshop(redisUrl: string): Promise<Workshop> {
  await installTools();
  const temporary = new TemporaryFolder("toolchains");
  const folder = temporary.path;
  await cp(join(TOOLS, "fixtures"), folder, { recursive: true });
  await linkTools(join(folder, "node_modules"));
  for (const name of DEPENDENCIES) await link(`node_modules/${name}`, join(folder, "node_modules", name));
  await unpackInto(join(folder, "node_modules/@ratesync/core"));
  const env = { ...process.env, REDIS_URL: redisUrl, NO_COLOR: "1", CI: "1" };
  return { folder, env, [Symbol.dispose]: () => temporary[Symbol.dispose]() };
}

/**
 * Packs the package and unpacks it.
 *
 * @param folder Where to; it must not exist.
 */
export async function unpackInto(folder: string): Promise<void> {
  using packed = new TemporaryFolder("packed");
  must(await run("npm", ["pack", "--silent", "--pack-destination", packed.path]));
  const tarball = (await filesUnder(packed.path)).find((file) => file.endsWith(".tgz")) ?? "no tarball";
  must(await run("tar", ["-xzf", tarball, "-C", packed.path]));
  await cp(join(packed.path, "package"), folder, { recursive: true });
}

async function installTools(): Promise<void> {
  const installed = join(TOOLS, "node_modules/.package-lock.json");
  if (existsSync(installed)) {
    const have = JSON.parse(await readFile(installed, "utf8")).packages;
    const want = JSON.parse(await readFile(join(TOOLS, "package-lock.json"), "utf8")).packages;
    const isCurrent = Object.entries<{ version: string; optional?: boolean }>(want).every((
      [path, { version, optional }],
    ) => path === "" || optional || have[path]?.version === version);
    if (isCurrent) return;
  }
  console.log("       installing the tools of tests/toolchains");
  must(await run("npm", ["ci", "--prefer-offline", "--no-audit", "--no-fund", "--silent"], { cwd: TOOLS }));
}

/** Links each tool; those in a scope are linked one by one, because the package has a scope too. */
async function linkTools(target: string): Promise<void> {
  const source = join(TOOLS, "node_modules");
  for (const name of await readdir(source)) {
    if (!name.startsWith(".")) await link(join(source, name), join(target, name));
  }
  await mkdir(join(target, "@ratesync"), { recursive: true });
}

async function link(source: string, target: string): Promise<void> {
  await mkdir(join(target, ".."), { recursive: true });
  await symlink(resolve(source), target, "junction");
}

function must({ code, output }: { readonly code: number; readonly output: string }): void {
  if (code !== 0) throw new Error(output);
}
