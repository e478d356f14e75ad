/**
 * Runs the suite on Bun, Deno and Node, in this order, each against a real Redis of its own. Most tests wait more than they
 * work, so Bun and Deno run at the same time where there are two servers for them; what Bun prints comes when it is done.
 *
 *     npm test                        every test on every runtime
 *     npm test -- --node              on Node only; also --deno, --bun
 *     npm test -- --bun kernels race  only the files whose path contains one of the words
 *
 * @module
 */

import process from "node:process";

import { exitOnSignals } from "./_process.ts";
import { obtainRedis, type TestRedis } from "./redis/obtain.ts";
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
  const runs: SuiteRun[] = [];
  for (const together of groups(runtimes)) {
    console.log(`\n${together.map(({ title }) => title).join(" and ")}: ${files.length} files`);
    const servers: TestRedis[] = [];
    try {
      for (const _ of together) servers.push(await obtainRedis());
      console.log(`Redis: ${servers[0]?.origin}`);
      runs.push(
        ...await Promise.all(together.map((runtime, i) => {
          return runSuite(runtime, files, (servers[i] as TestRedis).url, i === together.length - 1);
        })),
      );
    } finally {
      for (const server of servers) await server.stop();
    }
  }

  const problems = problemsOf(runs, files.length);
  console.log(["", ...runs.map(describeRun), ...problems, ...runs.flatMap(nodeSummary)].join("\n"));
  return problems.length === 0 ? 0 : 1;
}

/** Which runtimes run at the same time: those before the last, unless the Redis that is given is the only one. */
function groups(runtimes: readonly Runtime[]): (readonly Runtime[])[] {
  if (process.env["RATESYNC_TEST_REDIS_URL"] || runtimes.length < 3) return runtimes.map((runtime) => [runtime]);
  return [runtimes.slice(0, -1), runtimes.slice(-1)];
}
