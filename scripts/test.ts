/**
 * Runs the suite on Bun, Deno and Node against real Redis. Each test file is a process of its own, several of them run at
 * the same time, and each of those has a Redis to itself. `suite/table.ts` says which file runs on which runtime.
 *
 *     npm test                        every file on the runtimes that the table gives it
 *     npm test -- --node              every file, on Node only; also --deno, --bun
 *     npm test -- stores/redis/rest   the files of one area, which is a folder of tests/
 *     npm test -- --bun kernels race  only the files whose path contains one of the words
 *     npm test -- --areas             each area by itself, and how long it took
 *
 * @module
 */

import process from "node:process";

import { exitOnSignals } from "./_process.ts";
import { obtainPostgres, type TestPostgres } from "./postgres/obtain.ts";
import { obtainRedis } from "./redis/obtain.ts";
import { areasOf } from "./suite/areas.ts";
import { tasksAgain, unstableLines, withAgain } from "./suite/again.ts";
import { laneCount, type LaneOptions, runTasks, waitingLaneCount } from "./suite/lanes.ts";
import { bundleNodeTests, compiledFile } from "./suite/node_tests.ts";
import { RUNTIMES } from "./suite/runtimes.ts";
import { runFile } from "./suite/run.ts";
import { selectTasks, type Task } from "./suite/selection.ts";
import { describeFile, describeRuntime, isGood, nodeTotals, outputOf, problemsOf } from "./suite/summary.ts";
import { needsPostgres } from "./suite/table.ts";
import { areaLines, areaTable, runAreas, timed, totalLine } from "./suite/times.ts";
import { bundleWorkers } from "./suite/workers.ts";

/** Where the files are in more areas than these, only their number is printed. */
const MOST_NAMED = 3;

/** The PostgreSQL that files share, once one of them needs it. */
let postgres: Promise<TestPostgres> | undefined;

exitOnSignals();
process.setMaxListeners(0); // what each lane starts ends with this process
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function sharedPostgres(): Promise<TestPostgres> {
  return postgres ??= obtainPostgres().then((server) => {
    console.log(`PostgreSQL: ${server.origin}`);
    return server;
  });
}

async function main(args: readonly string[]): Promise<number> {
  const byArea = args.includes("--areas");
  const tasks = await selectTasks(args.filter((arg) => arg !== "--areas"));
  const isOnly = tasks.length === 1;
  const lanes = Math.min(tasks.length, laneCount() + waitingLaneCount());
  const areas = areasOf(tasks.map(({ file }) => file));
  const where = areas.length > MOST_NAMED ? `${areas.length} areas` : areas.join(", ");
  console.log(`${tasks.length} runs of a file, in ${where}, ${lanes} at a time`);
  let compiled = compiledFile;
  const options: LaneOptions = {
    async obtain() {
      const redis = await obtainRedis();
      if (!byArea) console.log(`Redis: ${redis.origin}`);
      return redis;
    },
    async execute(task, redisUrl) {
      if (!needsPostgres(task.file)) return await runFile(task, redisUrl, { compiled });
      const variables = { RATESYNC_TEST_POSTGRES_URL: (await sharedPostgres()).url };
      return await runFile(task, redisUrl, { compiled, variables });
    },
    onEnd(run) {
      if (isOnly) console.log(run.output);
      else if (!isGood(run)) console.log(outputOf(run));
      console.log(describeFile(run));
    },
  };
  const runFiles = (own: readonly Task[]) => runTasks(own, options);
  const { result: { first, again, each }, times } = await timed(async () => {
    await bundleWorkers();
    compiled = await bundleNodeTests(tasks);
    const { runs, areas } = byArea ? await runAreas(tasks, runFiles) : { runs: await runFiles(tasks), areas: [] };
    return { first: runs, each: areas, again: await runFiles(tasksAgain(runs)) };
  });
  await (await postgres)?.stop();
  const runs = withAgain(first, again);

  const problems = problemsOf(runs);
  const used = RUNTIMES.filter((runtime) => runs.some((run) => run.runtime === runtime));
  const lines = [
    ...byArea ? areaTable(each) : areaLines(runs),
    ...used.map((runtime) => describeRuntime(runtime, runs)),
    totalLine(runs, times),
    ...unstableLines(again),
    ...problems,
    ...nodeTotals(runs, Math.round(times.wallMs)),
  ];
  console.log(["", ...lines].join("\n"));
  return problems.length === 0 ? 0 : 1;
}
