/**
 * Where the programs of this machine are.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";

/**
 * The path of a program.
 *
 * @param names What it may be called; the first that is there counts.
 * @param more Folders to search behind those of the PATH. @default none
 */
export function findProgram(names: readonly string[], more: readonly string[] = []): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...more];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}
