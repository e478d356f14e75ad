/**
 * The source as the checks read it.
 *
 * @module
 */

import { readFile } from "node:fs/promises";

import { filesUnder } from "../_files.ts";
import type { Sources } from "./check.ts";

/** Reads mod.ts and src/. */
export async function readSources(): Promise<Sources> {
  const paths = ["mod.ts", ...(await filesUnder("src")).filter((file) => file.endsWith(".ts"))];
  const entries = paths.map(async (path) => [path, await readFile(path, "utf8")] as const);
  return new Map(await Promise.all(entries));
}
