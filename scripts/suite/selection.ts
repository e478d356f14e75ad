/**
 * What the arguments of `npm test` select.
 *
 * @module
 */

import { filesUnder } from "../_files.ts";
import { type Runtime, RUNTIMES } from "./runtimes.ts";

/** The tests to run. */
export interface Selection {
  /** On which runtimes, in this order. */
  readonly runtimes: readonly Runtime[];
  /** Which test files, as source paths. */
  readonly files: readonly string[];
}

/**
 * Reads the arguments: `--bun`, `--deno`, `--node` choose runtimes, words choose files by a part of their path.
 *
 * @throws {Error} If a flag is unknown or no file is left.
 */
export async function selectTests(args: readonly string[]): Promise<Selection> {
  const flags = args.filter((arg) => arg.startsWith("--"));
  const words = args.filter((arg) => !arg.startsWith("--"));

  const unknown = flags.find((flag) => !RUNTIMES.some(({ name }) => flag === `--${name}`));
  if (unknown) throw new Error(`Cannot run the tests: expected --bun, --deno or --node, received ${unknown}`);
  const runtimes = RUNTIMES.filter(({ name }) => flags.length === 0 || flags.includes(`--${name}`));

  const all = (await filesUnder("tests")).filter((file) => file.endsWith("_test.ts"));
  const files = all.filter((file) => words.length === 0 || words.some((word) => file.includes(word)));
  if (files.length === 0) throw new Error(`Cannot run the tests: no file of tests/ matches ${words.join(" ")}`);
  return { runtimes, files };
}
