/**
 * What the arguments of `npm test` select.
 *
 * @module
 */

import { filesUnder } from "../_files.ts";
import { filesFor } from "./areas.ts";
import { type Runtime, RUNTIMES } from "./runtimes.ts";
import { FIRST, rowOf, WAITING } from "./table.ts";

/** One test file on one runtime. */
export interface Task {
  /** The runtime. */
  readonly runtime: Runtime;
  /** The file, as a source path. */
  readonly file: string;
  /** Whether nothing else runs at the same time. */
  readonly alone: boolean;
  /** Whether it mostly waits, and leaves the processors to others. */
  readonly waits: boolean;
}

/**
 * Reads the arguments. A word chooses the area that it names, or files by a part of their path. `--bun`, `--deno` and
 * `--node` choose the runtimes for all of them; without such a flag the table does.
 *
 * @throws {Error} If a flag is unknown or a word chooses no file.
 */
export async function selectTasks(args: readonly string[]): Promise<Task[]> {
  const all = (await filesUnder("tests")).filter((file) => file.endsWith("_test.ts"));
  return tasksFor(longestFirst(all), args);
}

/** Files in the order in which they begin: most of the long ones are in stores/ and races/, and should not begin last. */
export function longestFirst(all: readonly string[]): string[] {
  return [...all.filter((file) => FIRST.includes(file)), ...all.filter((file) => !FIRST.includes(file)).toReversed()];
}

/** The same for given files. */
export function tasksFor(all: readonly string[], args: readonly string[]): Task[] {
  const flags = args.filter((arg) => arg.startsWith("--"));
  const words = args.filter((arg) => !arg.startsWith("--"));

  const unknown = flags.find((flag) => !RUNTIMES.some(({ name }) => flag === `--${name}`));
  if (unknown) throw new Error(`Cannot run the tests: expected --areas, --bun, --deno or --node, received ${unknown}`);
  const chosen = words.map((word) => ({ word, own: filesFor(word, all) }));
  const empty = chosen.find(({ own }) => own.length === 0);
  if (empty) throw new Error(`Cannot run the tests: no file of tests/ matches ${empty.word}`);
  const files = all.filter((file) => words.length === 0 || chosen.some(({ own }) => own.includes(file)));

  return files.flatMap((file) => {
    const { on, alone = false } = rowOf(file);
    const runtimes = RUNTIMES.filter(({ name }) =>
      flags.length === 0 ? on.includes(name) : flags.includes(`--${name}`)
    );
    return runtimes.map((runtime) => ({ runtime, file, alone, waits: WAITING.includes(file) }));
  });
}
