/**
 * Runs the suite on Bun, Deno and Node, each against a real Redis of its own. Most tests wait more than they work, so two
 * runtimes run at the same time where each can have a server. The last of them begins first, for Node takes longest, and
 * prints as it goes; what the others print follows.
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
import type { Runtime } from "./suite/runtimes.ts";
import { selectTests } from "./suite/selection.ts";
import { runSuite, type SuiteRun } from "./suite/run.ts";
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
  const runs = new Map<Runtime, SuiteRun>();
  const waiting = [...runtimes];
  const outputs: string[] = [];
  let obtaining: Promise<unknown> = Promise.resolve(); // one after the other: the first may have to install it
  const lane = async (): Promise<void> => {
    for (let runtime = waiting.pop(); runtime !== undefined; runtime = waiting.pop()) {
      const obtained = obtaining.then(obtainRedis);
      obtaining = obtained;
      const redis = await obtained;
      console.log(`\n${runtime.title}: ${files.length} files. Redis: ${redis.origin}`);
      try {
        const run = await runSuite(runtime, files, redis.url, runtime === runtimes.at(-1));
        runs.set(runtime, run);
        outputs.push(run.output);
      } finally {
        await redis.stop();
      }
    }
  };
  await Promise.all(Array.from({ length: lanesFor(runtimes) }, lane));
  console.log(outputs.join("\n"));
  const done = runtimes.flatMap((runtime) => runs.get(runtime) ?? []);

  const problems = problemsOf(done, files.length);
  const lines = [...done.map(describeRun), ...problems, ...done.flatMap(nodeSummary)];
  console.log(["", ...lines].join("\n"));
  return problems.length === 0 ? 0 : 1;
}

/** How many runtimes run at the same time: one where the Redis that is given is the only one. */
function lanesFor(runtimes: readonly Runtime[]): number {
  return process.env["RATESYNC_TEST_REDIS_URL"] ? 1 : Math.min(runtimes.length, 2);
}
