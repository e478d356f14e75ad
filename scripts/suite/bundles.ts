/**
 * Bundles of compiled files, each with the package and its drivers in a few files, as a service is deployed that was
 * bundled. The driver of Redis alone has five hundred files, and the sources of the package seven hundred: to load them
 * from their own files takes longer than many processes of the suite do anything else.
 *
 * @module
 */

import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { rolldown } from "rolldown";

/** What to bundle. */
export interface BundleOptions {
  /** The compiled files, by their paths in the folder, without `.js`. */
  readonly inputs: Readonly<Record<string, string>>;
  /** The folder, which is emptied first. */
  readonly folder: string;
  /** Whether maps lead from the bundles to the compiled files. @default {false} */
  readonly maps?: boolean;
}

/** The name of a module that is no path. */
const PACKAGE = /^[@\w]/;

/** The packages whose files the bundles hold: this one, which must be there once, and the drivers. */
const INSIDE = /^(@ratesync\/core|@redis\/client|@nats-io\/|postgres$)/;

/** The URL of a module, where it is no text. */
const OWN_URL = /(?<!["'`])\bimport\.meta\.url\b/g;

/** Makes bundles. Modules find files beside them as before: `import.meta.url` stays that of the compiled file. */
export async function bundle({ inputs, folder, maps = false }: BundleOptions): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const made = await rolldown({
    input: Object.fromEntries(Object.entries(inputs).map(([name, file]) => [name, resolve(file)])),
    external: (id) => PACKAGE.test(id) && !INSIDE.test(id),
    platform: "node",
    plugins: [{
      name: "places of modules",
      transform: {
        // Not what the bundler adds, which stands in the bundle itself.
        filter: { id: { exclude: /\0/ }, code: "import.meta.url" },
        handler: (code, id) => ({
          code: code.replaceAll(OWN_URL, JSON.stringify(pathToFileURL(id).href)),
          map: null, // lines stay
        }),
      },
    }],
    onLog: (_level, { message }) => {
      throw new Error(message);
    },
  });
  await made.write({
    dir: folder,
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name].js",
    comments: false,
    keepNames: true,
    sourcemap: maps,
  });
  await made.close();
}
