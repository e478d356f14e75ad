/**
 * The scripts of the Redis store: where they are, and the module they become.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";

import { filesUnder } from "../_files.ts";
import { headerProblems } from "./header.ts";
import { scriptsModule, shortenerOf } from "./module.ts";

/** The generated module. */
export const SCRIPTS_MODULE = "src/stores/redis/scripts.gen.ts";

const FOLDER = "src/stores/redis/lua";

/** Every Lua file, parts that begin with `_` included. */
export async function luaFiles(): Promise<string[]> {
  return (await filesUnder(FOLDER)).filter((file) => file.endsWith(".lua"));
}

/** What {@linkcode SCRIPTS_MODULE} should say. */
export async function currentModule(): Promise<string> {
  return scriptsModule(await scriptNames(), read);
}

/** What turns a piece of a Lua file into what {@linkcode SCRIPTS_MODULE} has in its place. */
export async function shortenerOfScripts(): Promise<(lua: string) => string> {
  return shortenerOf(await scriptNames(), read);
}

/** What is wrong with the scripts or with the committed module, one line each. */
export async function luaProblems(): Promise<string[]> {
  const problems = (await scriptNames()).flatMap((name) =>
    headerProblems(read(name)).map((problem) => `${FOLDER}/${name}.lua: ${problem}`)
  );
  const committed = await readFile(SCRIPTS_MODULE, "utf8").catch(() => "");
  if (committed !== await currentModule()) problems.push(`${SCRIPTS_MODULE} is not current: run npm run embed`);
  return problems;
}

/** The scripts themselves; a file that begins with `_` is a part to include. */
async function scriptNames(): Promise<string[]> {
  const names = (await luaFiles()).map((file) => file.slice(FOLDER.length + 1, -".lua".length));
  return names.filter((name) => !name.startsWith("_"));
}

function read(name: string): string {
  return readFileSync(`${FOLDER}/${name}.lua`, "utf8");
}
