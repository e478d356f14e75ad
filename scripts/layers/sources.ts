/**
 * The source as the checks read it.
 *
 * @module
 */

import { readFile } from "node:fs/promises";

import { filesUnder } from "../_files.ts";

/** Text by path from the root of the repository. */
export type Sources = ReadonlyMap<string, string>;

/**
 * Reads `mod.ts` and the TypeScript of some folders.
 *
 * @param folders Paths from the root of the repository.
 */
export async function readSources(...folders: readonly string[]): Promise<Sources> {
  const files = (await Promise.all(folders.map(filesUnder))).flat();
  const paths = ["mod.ts", ...files.filter((file) => file.endsWith(".ts"))];
  const entries = paths.map(async (path) => [path, await readFile(path, "utf8")] as const);
  return new Map(await Promise.all(entries));
}
