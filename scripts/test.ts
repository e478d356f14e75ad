/**
 * Runs the suite on Bun, Deno and Node, in this order, against one real Redis.
 *
 *     npm test                        every test on every runtime
 *     npm test -- --node              on Node only; also --deno, --bun
 *     npm test -- --bun kernels race  only the files whose path contains one of the words
 *
 * @module
 */

import process from "node:process";

import { exitOnSignals } from "./_process.ts";
import { obtainRedis } from "./redis/obtain.ts";
import { selectTests } from "./suite/selection.ts";
import { runSuite } from "./suite/run.ts";
import { describeRun, nodeSummary, problemsOf } from "./suite/summary.ts";

exitOnSignals();
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function main(args: readonly string[]): Promise<number> {
  const { runtimes, files } = await selectTests(args);
  const redis = await obtainRedis();
  console.log(`Redis: ${redis.origin}`);

  const runs = [];
  try {
    for (const runtime of runtimes) {
      console.log(`\n${runtime.title}: ${files.length} files`);
      runs.push(await runSuite(runtime, files, redis.url));
    }
  } finally {
    await redis.stop();
  }

  const problems = problemsOf(runs, files.length);
  console.log(["", ...runs.map(describeRun), ...problems, ...runs.flatMap(nodeSummary)].join("\n"));
  return problems.length === 0 ? 0 : 1;
}
