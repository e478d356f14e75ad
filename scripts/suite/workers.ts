/**
 * The processes that tests start, each with the package and the driver of Redis in a few files, as a service is deployed that
 * was bundled. The driver alone has five hundred files, and the sources of the package three hundred: to load them from their
 * own files takes longer than most of these processes do anything else.
 *
 * @module
 */

import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import process from "node:process";

import { rolldown } from "rolldown";

import { filesUnder } from "../_files.ts";

/** Where the bundles are, each at the path of its source in `tests/`. */
export const WORKERS = "dist/workers";

/** Workers that are about how modules load; these load the sources. */
const UNBUNDLED: readonly string[] = [
  "tests/base/fake_timers_worker.ts",
  "tests/registry/driver_missing_worker.ts",
  "tests/registry/import_worker.ts",
];

/** The name of a module that is no path. */
const PACKAGE = /^[@\w]/;

/** The packages whose files the bundles hold. */
const DRIVERS = /^(@redis\/client|@nats-io\/|postgres$)/;

/** Bundles the workers, as `tsc` has compiled them. A suite that a test runs has those of the suite around it. */
export async function bundleWorkers(): Promise<void> {
  if (process.env["RATESYNC_TEST_WORKERS"] !== undefined) return;
  const files = (await filesUnder("tests")).filter((file) => file.endsWith("_worker.ts") && !UNBUNDLED.includes(file));
  await rm(WORKERS, { recursive: true, force: true });
  const input = files.map((file) => file.slice("tests/".length, -".ts".length));
  const bundle = await rolldown({
    input: Object.fromEntries(input.map((name) => [name, resolve(`dist/tests/${name}.js`)])),
    external: (id) => PACKAGE.test(id) && !DRIVERS.test(id),
    platform: "node",
    onLog: (_level, { message }) => {
      throw new Error(message);
    },
  });
  await bundle.write({
    dir: WORKERS,
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name].js",
    comments: false,
  });
  await bundle.close();
}
