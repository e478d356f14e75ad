/**
 * What npm publishes: few files in place of many, because each costs a program that imports it time at its start.
 *
 * Functions and classes keep their names, for stack traces and for `error.name`; comments are in the declarations; the
 * source maps lead to the sources, which are published beside. What several entries need is in files that they share,
 * so that a class is the same class in all of them: one for all that the main entry loads, and what is left.
 *
 * @module
 */

import { readFile, rm } from "node:fs/promises";
import { resolve } from "node:path";

import { build, type Plugin } from "rolldown";

import { loadOf } from "./load.ts";
import type { Manifests } from "./manifests.ts";

const FOLDER = "dist/bundle";

/** The main entry, as `tsc` has compiled it. */
const MAIN = "dist/mod.js";

const KEEP_NAMES = { function: true, class: true } as const;

/** Bundles what `tsc` has compiled into dist/, to the files that the `exports` of package.json name. */
export async function writeBundle(exports: Manifests["npm"]["exports"]): Promise<void> {
  const inputs = Object.values(exports).map(({ types, default: file }) =>
    [file.slice(`./${FOLDER}/`.length, -".js".length), types.replace(/\.d\.ts$/, ".js")] as const
  );
  const { files: main } = await loadOf(resolve(MAIN));
  await rm(FOLDER, { recursive: true, force: true });
  await build({
    input: Object.fromEntries(inputs),
    external: /^(node:|[@\w][^:\\]*$)/, // anything but a path
    platform: "neutral",
    plugins: [compiledFiles],
    onLog: (_level, { message }) => {
      throw new Error(message);
    },
    output: {
      dir: FOLDER,
      sourcemap: true,
      codeSplitting: { groups: [{ name: "main", test: (path) => main.has(path) }] },
      minify: { compress: { keepNames: KEEP_NAMES }, mangle: { keepNames: KEEP_NAMES, toplevel: true } },
    },
  });
}

/** Reads a compiled file with its source map, so that the map of the bundle leads to the source. */
const compiledFiles: Plugin = {
  name: "compiled-files",
  load: async (path) => ({
    code: await readFile(path, "utf8"),
    map: await readFile(`${path}.map`, "utf8"),
  }),
};
