/**
 * Files that failed beside others run once more, alone: a busy machine delays timers and servers by more than some tests
 * allow for. A file that passes then is named, because that is a defect of the test or of the code, not of the machine.
 *
 * @module
 */

import type { FileRun } from "./run.ts";
import type { Task } from "./selection.ts";
import { isGood } from "./summary.ts";

/** Where more files than these fail, it is not the machine. */
const MOST_FILES = 5;

/** The tasks to run once more; none where nothing failed, much did, or each file was alone already. */
export function tasksAgain(runs: readonly FileRun[]): Task[] {
  const failed = runs.filter((run) => !isGood(run));
  if (failed.length > MOST_FILES || runs.length === 1) return [];
  return failed.filter(({ alone }) => !alone).map(({ runtime, file, waits }) => ({
    runtime,
    file,
    waits,
    alone: true,
  }));
}

/** The runs, with those that were made again in place of the first ones. */
export function withAgain(runs: readonly FileRun[], again: readonly FileRun[]): FileRun[] {
  return runs.map((run) => again.find(({ file, runtime }) => file === run.file && runtime === run.runtime) ?? run);
}

/** A line for each file that failed beside others, and passed alone. */
export function unstableLines(again: readonly FileRun[]): string[] {
  return again.filter(isGood).map(({ runtime, file }) =>
    `UNSTABLE: ${runtime.title}, ${file}: it failed beside others, and passed alone; the first run stands above`
  );
}
