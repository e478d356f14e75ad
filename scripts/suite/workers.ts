/**
 * The processes that tests start load bundles.
 *
 * @module
 */

import process from "node:process";

import { filesUnder } from "../_files.ts";
import { bundle } from "./bundles.ts";

/** Where the bundles are, each at the path of its source in `tests/`. */
export const WORKERS = "dist/workers";

/** Workers that are about how modules load; these load the sources. */
const UNBUNDLED: readonly string[] = [
  "tests/base/fake_timers_worker.ts",
  "tests/registry/driver_missing_worker.ts",
  "tests/registry/import_worker.ts",
];

/** Bundles the workers, as `tsc` has compiled them. A suite that a test runs has those of the suite around it. */
export async function bundleWorkers(): Promise<void> {
  if (process.env["RATESYNC_TEST_WORKERS"] !== undefined) return;
  const files = (await filesUnder("tests")).filter((file) => file.endsWith("_worker.ts") && !UNBUNDLED.includes(file));
  const names = files.map((file) => file.slice("tests/".length, -".ts".length));
  await bundle({ inputs: Object.fromEntries(names.map((name) => [name, `dist/tests/${name}.js`])), folder: WORKERS });
}
