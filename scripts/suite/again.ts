/**
 * A second look at what failed. The suite runs fleets, kills servers and keeps time, two runtimes at a time, on machines that do
 * other things too: a file that failed runs once more when nothing else does. What fails again has failed; what does
 * not is named as unsteady, which is a defect too, of the test or of what it tests, but not of the change at hand.
 *
 * @module
 */

import { runSuite, type SuiteRun } from "./run.ts";

/** More files than that do not fail by chance. */
const MOST_FILES = 3;

/** Whether a run is worth a second look. */
export function deservesAnother({ code, counts }: SuiteRun): boolean {
  const files = counts?.failedFiles.length ?? 0;
  return code !== 0 && code !== 124 && files > 0 && files <= MOST_FILES;
}

/**
 * Runs the files again in which something failed.
 *
 * @param first What failed.
 * @param redisUrl A Redis that no other run uses.
 */
export async function runAgain(first: SuiteRun, redisUrl: string): Promise<SuiteRun> {
  const files = first.counts?.failedFiles ?? [];
  return afterAnother(first, await runSuite(first.runtime, files, redisUrl));
}

/** What two runs come to: the tests of the first, and the failures of the second. */
export function afterAnother(first: SuiteRun, second: SuiteRun): SuiteRun {
  if (first.counts === undefined || second.counts === undefined) return first;
  const { failures } = second.counts;
  const failed = failures.length;
  const closing = first.counts.closing.map((line) => {
    if (line.startsWith("pass ")) return `pass ${(first.counts?.tests ?? 0) - failed}`;
    return line.startsWith("fail ") ? `fail ${failed}` : line;
  });
  return {
    ...first,
    code: second.code,
    durationMs: first.durationMs + second.durationMs,
    unsteady: second.code === 0 ? first.counts.failures : [],
    counts: { ...first.counts, failures, closing },
  };
}
