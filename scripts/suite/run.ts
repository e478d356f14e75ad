/**
 * One run of the suite on one runtime.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";

import { run } from "../_process.ts";
import { TemporaryFolder } from "../_temporary.ts";
import { countTests, type TestCounts } from "./junit.ts";
import type { Runtime } from "./runtimes.ts";

/** How a run of the suite ended. */
export interface SuiteRun {
  /** The runtime it ran on. */
  readonly runtime: Runtime;
  /** The exit code of the runtime's test runner. */
  readonly code: number;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
  /** What its report counts; `undefined` when it wrote none. */
  readonly counts: TestCounts | undefined;
  /** What it printed; empty if that was seen as it came. */
  readonly output: string;
}

/** Long enough for the whole suite, short enough that a test that hangs is noticed. */
const LIMIT_MS = 15 * 60_000;

/**
 * Runs `files` on `runtime` against the Redis at `redisUrl`.
 *
 * @param runtime The runtime.
 * @param files The files of tests.
 * @param redisUrl A Redis that no other run uses.
 * @param live Whether what the runtime prints is seen as it comes, and not in the result.
 */
export async function runSuite(
  runtime: Runtime,
  files: readonly string[],
  redisUrl: string,
  live: boolean = true,
): Promise<SuiteRun> {
  using folder = new TemporaryFolder("test");
  const report = join(folder.path, "junit.xml");
  const [program, ...args] = runtime.command(files, report);
  const env = { ...ownEnvironment(), RATESYNC_TEST_REDIS_URL: redisUrl, RATESYNC_TEST_RUNTIME: runtime.name };

  const startedMs = performance.now();
  const { code, output } = await run(program, args, { env, live, limitMs: LIMIT_MS });
  const durationMs = performance.now() - startedMs;

  const xml = await readFile(report, "utf8").catch(() => undefined);
  return { runtime, code, durationMs, output, counts: xml === undefined ? undefined : countTests(xml) };
}

/** The environment without the settings that change what an application of ours does, and colours only for a terminal. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(RATE_SYNC_|REDIS_URL$)/;
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name));
  return { ...Object.fromEntries(kept), ...(process.stdout.isTTY ? {} : { NO_COLOR: "1" }) };
}
