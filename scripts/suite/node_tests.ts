/**
 * Node runs tests from bundles, which load in half of the processor time. Bun and Deno run the sources themselves.
 *
 * @module
 */

import process from "node:process";

import { bundle } from "./bundles.ts";
import type { Task } from "./selection.ts";

/** Where the bundles are, each at the path of its source. */
export const NODE_TESTS = "dist/node";

/** Tests of what loads modules by their place, as benches and tools do. */
const UNBUNDLED: readonly string[] = ["tests/bench/", "tests/scripts/"];

/** A file as `tsc` has compiled it, by the path of its source. */
export function compiledFile(file: string): string {
  return `dist/${file.slice(0, -".ts".length)}.js`;
}

/**
 * Bundles the test files that Node runs, as `tsc` has compiled them. A suite that a test runs loads single files.
 *
 * @returns The file that Node runs, by the path of the source.
 */
export async function bundleNodeTests(tasks: readonly Task[]): Promise<(file: string) => string> {
  const files = tasks.filter(({ runtime, file }) =>
    runtime.name === "node" && !UNBUNDLED.some((folder) => file.startsWith(folder))
  ).map(({ file }) => file);
  if (process.env["RATESYNC_TEST_WORKERS"] !== undefined || files.length === 0) return compiledFile;
  const inputs = Object.fromEntries(files.map((file) => [file.slice(0, -".ts".length), compiledFile(file)]));
  await bundle({ inputs, folder: NODE_TESTS, maps: true });
  return (file) => compiledFile(file).replace(/^dist/, files.includes(file) ? NODE_TESTS : "dist");
}
