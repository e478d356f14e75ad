/**
 * What is said at the end, and whether it is good news.
 *
 * @module
 */

import type { SuiteRun } from "./run.ts";

/** A runtime that runs less than this part of what another one runs has lost tests on the way. */
const LEAST_SHARE = 0.9;

/** How many failed tests of a runtime are named once more at the end. */
const MOST_NAMED = 20;

/** One line on a run. */
export function describeRun({ runtime, code, counts, durationMs }: SuiteRun): string {
  const seconds = `${(durationMs / 1_000).toFixed(1)} s`;
  const verdict = code === 0 ? "passed" : `failed with code ${code}`;
  const numbers = counts
    ? `${counts.tests} tests, ${counts.failures.length} failed, ${counts.skipped} skipped`
    : "no report";
  return `${runtime.title.padEnd(5)} ${verdict}: ${numbers}, ${seconds}`;
}

/** Why the whole must count as failed, one line each; none when it passed. */
export function problemsOf(runs: readonly SuiteRun[], fileCount: number): string[] {
  const most = Math.max(fileCount, ...runs.map(({ counts }) => counts?.tests ?? 0));
  return runs.flatMap(({ runtime: { title }, code, counts }) => {
    if (code === 124) return [`FAILED: ${title} was ended when its time was up: a test hangs`];
    if (!counts) return [`FAILED: ${title} ended with code ${code} before it wrote its report`];
    const executed = counts.tests - counts.skipped;
    const problems = [];
    if (code !== 0) problems.push(`FAILED: ${title} ended with code ${code}, ${counts.failures.length} tests failed`);
    problems.push(...counts.failures.slice(0, MOST_NAMED).map((failure) => `  ${title}: ${failure}`));
    if (counts.skipped > 0) problems.push(`FAILED: ${title} skipped ${counts.skipped} tests`);
    if (executed < most * LEAST_SHARE) {
      problems.push(`FAILED: ${title} ran ${executed} tests where ${most} were expected`);
    }
    return problems;
  });
}

/** The lines with which Node's test runner closes; none for the other runtimes. */
export function nodeSummary({ counts }: SuiteRun): string[] {
  return counts?.closing.map((line) => `# ${line}`) ?? [];
}
