/**
 * One run of one test file on one runtime.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";

import { run } from "../_process.ts";
import { TemporaryFolder } from "../_temporary.ts";
import { countTests, type TestCounts } from "./junit.ts";
import { compiledFile } from "./node_tests.ts";
import type { Task } from "./selection.ts";
import { secondsOf, telling } from "./shell_times.ts";
import { withSourcePlaces } from "./source_places.ts";
import { WORKERS } from "./workers.ts";

/** How the run of a file ended. */
export interface FileRun extends Task {
  /** The exit code of the runtime; 124 when it was ended because its time was up. */
  readonly code: number;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
  /** What it and the processes that it has started took on the processors, in seconds; undefined if it was killed. */
  readonly cpuS?: number | undefined;
  /** What its report counts; `undefined` when it wrote none. */
  readonly counts: TestCounts | undefined;
  /** What it printed. */
  readonly output: string;
}

/** How long one file may take: five times what the longest one needs, for busy machines. A test that hangs is noticed by it. */
export const LIMIT_MS: number = 5 * 60_000;

/** Options of {@linkcode runFile}. */
export interface RunOptions {
  /** Further variables of its environment, such as those of servers that files share. @default {{}} */
  readonly variables?: Readonly<Record<string, string>>;
  /** The compiled file, by the path of the source. @default {compiledFile} */
  readonly compiled?: (file: string) => string;
}

/**
 * Runs one file of tests.
 *
 * @param task The file, and the runtime.
 * @param redisUrl A Redis that no other file uses at the same time.
 */
export async function runFile(
  task: Task,
  redisUrl: string,
  { variables = {}, compiled = compiledFile }: RunOptions = {},
): Promise<FileRun> {
  using folder = new TemporaryFolder("test");
  const report = join(folder.path, "junit.xml");
  const taken = join(folder.path, "times");
  const [program, ...args] = telling(task.runtime.command(task.file, report, compiled(task.file)), taken);
  const env = {
    ...ownEnvironment(),
    RATESYNC_TEST_REDIS_URL: redisUrl,
    RATESYNC_TEST_RUNTIME: task.runtime.name,
    RATESYNC_TEST_WORKERS: resolve(WORKERS),
    ...variables,
  };

  const startedMs = performance.now();
  const { code, output: printed } = await run(program, args, { env, limitMs: LIMIT_MS, group: true });
  const durationMs = performance.now() - startedMs;

  const written = await readFile(report, "utf8").catch(() => "");
  const [xml, output] = code === 0 ? [written, printed] : [withSourcePlaces(written), withSourcePlaces(printed)];
  const counts = xml.includes("</testsuites>") ? countTests(xml) : undefined;
  const cpuS = secondsOf(await readFile(taken, "utf8").catch(() => ""));
  return { ...task, code, durationMs, cpuS, output, counts };
}

/** The environment without the settings that change what an application of ours does, and without colours. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(RATE_SYNC_|(REDIS|DATABASE|NATS)_URL$|PG[A-Z]+$)/;
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name));
  return { ...Object.fromEntries(kept), NO_COLOR: "1" };
}
