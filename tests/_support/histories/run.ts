/**
 * Many histories, on the memory store and on real Redis: each must keep to the oracle, and both must answer the same.
 *
 * @module
 */

import assert from "node:assert/strict";

import { CheckedMemoryStore } from "../../../src/stores/memory/checked_memory_store.ts";
import type { RedisConnection } from "../../../src/stores/redis/connections/connection.ts";
import { RedisStore } from "../../../src/stores/redis/redis_store.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import { freshPrefix } from "../redis.ts";
import { type HistoryServices, runHistory } from "./history.ts";
import { runMixedHistory } from "./mixed_history.ts";

/** When every history begins. */
const START_US = 1_700_000_000_000_000;

/** How many histories go on at the same time, so that Redis is never idle. */
const TOGETHER = 32;

/** The connection of each process. */
export type Connections = readonly RedisConnection[];

/** Runs the history of a seed on a memory store. */
export async function runInMemory(seed: number): Promise<string[]> {
  return await runHistory(seed, memoryOf(1));
}

/** Runs the history of a seed in which rules differ on a memory store that so many instances share. */
export async function runMixedInMemory(seed: number, instances: number): Promise<string[]> {
  return await runMixedHistory(seed, memoryOf(instances));
}

function memoryOf(instances: number): HistoryServices {
  const clock = new FakeClock(START_US);
  return { processes: new Array(instances).fill(new CheckedMemoryStore({ clock })), clock };
}

/** Runs the history of a seed on Redis, where it has keys of its own, with a process for each connection. */
export async function runOnRedis(
  seed: number,
  connections: Connections,
  run: typeof runHistory = runHistory,
): Promise<string[]> {
  const clock = new FakeClock(START_US);
  const keyPrefix = freshPrefix();
  const processes = connections.map((connection) => {
    return new RedisStore(connection, { keyPrefix, timingMarginMs: 600_000, testClock: clock });
  });
  return await run(seed, { processes, clock });
}

/** Runs the histories of seeds on both, and compares them. Returns what is wrong, with the seeds. */
export async function runBoth(
  first: number,
  count: number,
  connections: Connections,
  { areMixed = false }: { readonly areMixed?: boolean } = {},
): Promise<string[]> {
  const problems: string[] = [];
  let next = first;
  await Promise.all(Array.from({ length: TOGETHER }, async () => {
    while (next < first + count) {
      const seed = next++;
      try {
        const memory = areMixed ? await runMixedInMemory(seed, connections.length) : await runInMemory(seed);
        const redis = await runOnRedis(seed, connections, areMixed ? runMixedHistory : runHistory);
        assert.deepEqual(redis, memory, `seed ${seed}: Redis answers otherwise`);
      } catch (error) {
        problems.push((error as Error).message);
      }
    }
  }));
  return problems;
}
