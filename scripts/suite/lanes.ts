/**
 * Several test files at the same time, each lane with a Redis of its own.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import process from "node:process";

import type { TestRedis } from "../redis/obtain.ts";
import { type FileRun, runFile } from "./run.ts";
import type { Task } from "./selection.ts";

/** How many files run at the same time beyond one for each processor, because tests also wait. */
const MORE_LANES = 1;

/** What lanes are told. */
export interface LaneOptions {
  /** How many lanes there are. @default {laneCount()} */
  readonly lanes?: number;
  /** Hears of each file that has ended. */
  readonly onEnd?: (run: FileRun) => void;
  /** Gets a lane its Redis. One lane after the other: the first may have to install it. */
  readonly obtain: () => Promise<TestRedis>;
  /** Runs one file. @default {runFile} */
  readonly execute?: (task: Task, redisUrl: string) => Promise<FileRun>;
}

/** How many files run at the same time: one where the Redis that is given is the only one. */
export function laneCount(): number {
  return process.env["RATESYNC_TEST_REDIS_URL"] ? 1 : availableParallelism() + MORE_LANES;
}

/** Runs all tasks: first those that may run beside others, in the given order, then the others one by one. */
export async function runTasks(tasks: readonly Task[], options: LaneOptions): Promise<FileRun[]> {
  const { lanes = laneCount(), onEnd, obtain, execute = runFile } = options;
  const runs: FileRun[] = [];
  const servers: TestRedis[] = [];
  let obtaining: Promise<unknown> = Promise.resolve();

  async function serverOf(lane: number): Promise<TestRedis> {
    const present = servers[lane];
    if (present !== undefined) return present;
    const obtained = obtaining.then(obtain);
    obtaining = obtained;
    return servers[lane] = await obtained;
  }

  async function work(waiting: Task[], lane: number): Promise<void> {
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
      const redis = await serverOf(lane);
      await redis.clear();
      const run = await execute(task, redis.url);
      runs.push(run);
      onEnd?.(run);
    }
  }

  const beside = tasks.filter(({ alone }) => !alone);
  try {
    await Promise.all(Array.from({ length: Math.min(lanes, beside.length) }, (_, lane) => work(beside, lane)));
    await work(tasks.filter(({ alone }) => alone), 0);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  return runs;
}
