/**
 * The source as the checks read it.
 *
 * @module
 */

import { readFile } from "node:fs/promises";

import { filesUnder } from "../_files.ts";
import type { Sources } from "./check.ts";

/** Reads mod.ts and src/, or the same files with another ending under another folder. */
export async function readSources(folder = ".", ending = ".ts"): Promise<Sources> {
  const under = (await filesUnder(`${folder}/src`)).map((file) => file.slice(folder.length + 1));
  const paths = [`mod${ending}`, ...under.filter((file) => file.endsWith(ending))];
  const entries = paths.map(async (path) => [path, await readFile(`${folder}/${path}`, "utf8")] as const);
  return new Map(await Promise.all(entries));
}
