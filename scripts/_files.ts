/**
 * Finding files, without a glob: Node 20 has none.
 *
 * @module
 */

import { readdir } from "node:fs/promises";

/** The files under `folder`, however deep, in order, with `/` between their parts. None when it does not exist. */
export async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(entries.map((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesUnder(path) : [path];
  }));
  return found.flat().sort();
}
