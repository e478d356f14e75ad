/**
 * What is printed about the files and at the end, and whether the suite passed.
 *
 * @module
 */

import { type FileRun, LIMIT_MS } from "./run.ts";
import type { Runtime } from "./runtimes.ts";
import { rowOf } from "./table.ts";
import { cpuOf } from "./times.ts";

/** How many failed tests of a file are named once more at the end. */
const MOST_NAMED = 20;

/** The totals with which Node's test runner closes, in its order. */
const TOTALS = ["tests", "suites", "pass", "fail", "cancelled", "skipped", "todo"] as const;

/** How Node, Bun and Deno mark a test that has passed. */
const PASSED = /^\s*(✔|\(pass\)) | \.\.\. .*\bok.* \(\d/;

/** One line on a file. */
export function describeFile(run: FileRun): string {
  const verdict = isGood(run) ? "ok    " : "FAILED";
  return `${verdict} ${run.runtime.title.padEnd(4)} ${run.file}: ${numbersOf(run)}`;
}

/** What a file printed, without the lines on tests that passed. */
export function outputOf({ output }: FileRun): string {
  return output.split("\n").filter((line) => !PASSED.test(line)).join("\n");
}

/** One line on all files of a runtime. */
export function describeRuntime(runtime: Runtime, runs: readonly FileRun[]): string {
  const own = runs.filter((run) => run.runtime === runtime);
  const sum = (field: (run: FileRun) => number) => own.reduce((total, run) => total + field(run), 0);
  const failed = own.filter((run) => !isGood(run)).length;
  const numbers = [
    `${sum(({ counts }) => counts?.tests ?? 0)} tests`,
    `${sum(({ counts }) => counts?.failures.length ?? 0)} failed`,
    `${sum(({ counts }) => counts?.skipped ?? 0)} skipped`,
    `files: ${own.length}${failed > 0 ? `, ${failed} of them failed` : ""}`,
    `${(sum(({ durationMs }) => durationMs) / 1_000).toFixed(1)} s added up`,
  ];
  return `${runtime.title.padEnd(5)} ${failed === 0 ? "passed" : "FAILED"}: ${numbers.join(", ")}`;
}

/** Why the suite must count as failed, one line each; none when it passed. */
export function problemsOf(runs: readonly FileRun[]): string[] {
  return [...runs.flatMap(problemsOfFile), ...differences(runs)];
}

/**
 * The totals of Node's test runner, added up over its files; none if it ran none. A file that broke counts as a failed
 * test.
 */
export function nodeTotals(runs: readonly FileRun[], durationMs: number): string[] {
  const own = runs.filter(({ runtime }) => runtime.name === "node");
  if (own.length === 0) return [];
  const broken = own.filter((run) => !isGood(run) && !run.counts?.failures.length).length;
  const total = (name: string) => own.reduce((sum, { counts }) => sum + (counts?.closing[name] ?? 0), 0);
  const lines = TOTALS.map((name) => `# ${name} ${total(name) + (name === "tests" || name === "fail" ? broken : 0)}`);
  return [...lines, `# duration_ms ${durationMs}`];
}

/** Whether all tests of a file have passed. */
export function isGood(run: FileRun): boolean {
  return problemsOfFile(run).length === 0;
}

function numbersOf(run: FileRun): string {
  const { counts, durationMs } = run;
  const seconds = `${(durationMs / 1_000).toFixed(1)} s${cpuOf([run])}`;
  return counts ? `${counts.tests} tests, ${seconds}` : `no report, ${seconds}`;
}

function problemsOfFile({ runtime: { title }, file, code, counts }: FileRun): string[] {
  const start = `FAILED: ${title}, ${file}:`;
  if (code === 124) return [`${start} a test hangs: the file was ended after ${LIMIT_MS / 1_000} s`];
  if (!counts) return [`${start} it ended with code ${code} before it wrote its report`];
  const problems = [];
  if (code !== 0) problems.push(`${start} it ended with code ${code}, ${counts.failures.length} tests failed`);
  problems.push(...counts.failures.slice(0, MOST_NAMED).map((failure) => `  ${title}: ${failure}`));
  if (counts.skipped > 0) problems.push(`${start} it skipped ${counts.skipped} tests`);
  if (counts.tests === 0) problems.push(`${start} it ran no test`);
  return problems;
}

/** Files that run fewer tests on one runtime than on another one have lost tests on the way, unless the table says so. */
function differences(runs: readonly FileRun[]): string[] {
  return runs.flatMap(({ runtime, file, counts }) => {
    const { more } = rowOf(file);
    const others = runs.filter((run) => run.file === file && run.runtime !== runtime && run.runtime.name !== more);
    const most = Math.max(0, ...others.map((run) => run.counts?.tests ?? 0));
    if (counts === undefined || counts.tests >= most + (runtime.name === more ? 1 : 0)) return [];
    return [`FAILED: ${runtime.title}, ${file}: it ran ${counts.tests} tests where another runtime ran ${most}`];
  });
}
