/**
 * Runs the suite on Bun, Deno and Node against real Redis. Each test file is a process of its own, several of them run at
 * the same time, and each of those has a Redis to itself. `suite/table.ts` says which file runs on which runtime.
 *
 *     npm test                        every file on the runtimes that the table gives it
 *     npm test -- --node              every file, on Node only; also --deno, --bun
 *     npm test -- --bun kernels race  only the files whose path contains one of the words
 *
 * @module
 */

import process from "node:process";

import { exitOnSignals } from "./_process.ts";
import { obtainRedis } from "./redis/obtain.ts";
import { areaLines, cpuSeconds } from "./suite/areas.ts";
import { tasksAgain, unstableLines, withAgain } from "./suite/again.ts";
import { laneCount, type LaneOptions, runTasks, waitingLaneCount } from "./suite/lanes.ts";
import { RUNTIMES } from "./suite/runtimes.ts";
import { selectTasks } from "./suite/selection.ts";
import { describeFile, describeRuntime, isGood, nodeTotals, outputOf, problemsOf } from "./suite/summary.ts";

exitOnSignals();
process.setMaxListeners(0); // what each lane starts ends with this process
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function main(args: readonly string[]): Promise<number> {
  const startMs = performance.now();
  const tasks = await selectTasks(args);
  const isOnly = tasks.length === 1;
  const lanes = Math.min(tasks.length, laneCount() + waitingLaneCount());
  console.log(`${tasks.length} runs of a file, ${lanes} at a time`);
  const options: LaneOptions = {
    async obtain() {
      const redis = await obtainRedis();
      console.log(`Redis: ${redis.origin}`);
      return redis;
    },
    onEnd(run) {
      if (isOnly) console.log(run.output);
      else if (!isGood(run)) console.log(outputOf(run));
      console.log(describeFile(run));
    },
  };
  const first = await runTasks(tasks, options);
  const again = await runTasks(tasksAgain(first), options);
  const runs = withAgain(first, again);
  const durationMs = performance.now() - startMs;

  const problems = problemsOf(runs);
  const used = RUNTIMES.filter((runtime) => runs.some((run) => run.runtime === runtime));
  const cpu = cpuSeconds();
  const lines = [
    ...areaLines(runs),
    ...used.map((runtime) => describeRuntime(runtime, runs)),
    ...(cpu === undefined ? [] : [`Processor time: ${cpu.toFixed(0)} s`]),
    ...unstableLines(again),
    ...problems,
    ...nodeTotals(runs, Math.round(durationMs)),
  ];
  console.log(["", ...lines].join("\n"));
  return problems.length === 0 ? 0 : 1;
}
