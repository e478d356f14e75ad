/**
 * Several test files at the same time, each lane with a Redis of its own.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import process from "node:process";

import type { TestRedis } from "../redis/test_redis.ts";
import { type FileRun, runFile } from "./run.ts";
import type { Task } from "./selection.ts";

/** The messages to a lane. */
export interface LaneOptions {
  /** How many lanes there are. @default {laneCount()} */
  readonly lanes?: number;
  /** How many more there are for files that mostly wait. @default {waitingLaneCount()} */
  readonly waitingLanes?: number;
  /** Hears of each file that has ended. */
  readonly onEnd?: (run: FileRun) => void;
  /** Gets a lane its Redis. One lane after the other: the first may have to install it. */
  readonly obtain: () => Promise<TestRedis>;
  /** Runs one file. @default {runFile} */
  readonly execute?: (task: Task, redisUrl: string) => Promise<FileRun>;
}

/** How many files run at the same time, one for each processor: one where the Redis that is given is the only one. */
export function laneCount(): number {
  return process.env["RATESYNC_TEST_REDIS_URL"] ? 1 : availableParallelism();
}

/** How many more lanes there are for files that mostly wait: as many. */
export function waitingLaneCount(): number {
  return process.env["RATESYNC_TEST_REDIS_URL"] ? 0 : availableParallelism();
}

/**
 * Runs all tasks: first those that may run beside others, in the given order, then the others one by one. A lane whose
 * own files are done takes those of the others.
 */
export async function runTasks(tasks: readonly Task[], options: LaneOptions): Promise<FileRun[]> {
  const { lanes = laneCount(), waitingLanes = waitingLaneCount(), onEnd, obtain, execute = runFile } = options;
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

  async function work(left: Task[], lane: number): Promise<void> {
    for (let task = left.shift(); task !== undefined; task = left.shift()) {
      const redis = await serverOf(lane);
      await redis.clear();
      const run = await execute(task, redis.url);
      runs.push(run);
      onEnd?.(run);
    }
  }

  const busy = tasks.filter(({ alone, waits }) => !alone && !waits);
  const waiting = tasks.filter(({ alone, waits }) => !alone && waits);
  const mostLanes = Math.min(lanes + waitingLanes, busy.length + waiting.length);
  try {
    await Promise.all(Array.from({ length: mostLanes }, async (_, lane) => {
      const [own, others] = lane < lanes ? [busy, waiting] : [waiting, busy];
      await work(own, lane);
      await work(others, lane);
    }));
    await work(tasks.filter(({ alone }) => alone), 0);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  return runs;
}
