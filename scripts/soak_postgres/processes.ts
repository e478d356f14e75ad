/**
 * Processes that load one PostgreSQL, and what it looks like meanwhile.
 *
 * @module
 */

import { fork } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

import postgres from "postgres";

import { sumOfProcesses } from "../_process_tree.ts";
import type { Load, LoadResult } from "./load.ts";

/** The table of keys at a moment. */
export interface TableSample {
  /** Since the beginning, in seconds. */
  readonly second: number;
  /** The rows that count, by the server's statistics. */
  readonly rows: number;
  /** The rows that an update or deletion has left behind. */
  readonly dead: number;
  /** The table and its index, in kilobytes. */
  readonly kilobytes: number;
  /** The share of updates that changed no index. */
  readonly hot: number;
  /** Deadlocks in the database so far. */
  readonly deadlocks: number;
}

/** What a process sends while it runs. */
export interface WorkerSample {
  readonly kind: "sample";
  /** What is left in its heap after a collection. */
  readonly heapMb: number;
}

/** What a process sends at its end. */
export interface WorkerResult extends LoadResult {
  readonly kind: "result";
  /** The keys that units were taken of, by their places in its file. */
  readonly keys: readonly string[];
}

/** A process that is under way. */
export interface Worker {
  /** What was left in its heap, the last time that it told; NaN before. */
  readonly heapMb: number;
  /** What came of it. */
  readonly result: Promise<WorkerResult>;
}

/** Runs a load in a process of its own, which writes the units that it is allowed into a file. */
export function startWorker(load: Load, file: string): Worker {
  const program = fileURLToPath(new URL(`./worker${extname(import.meta.url)}`, import.meta.url));
  const child = fork(program, [JSON.stringify(load), file], { execArgv: ["--expose-gc"] });
  let heapMb = NaN;
  let result: WorkerResult | undefined;
  child.on("message", (message: WorkerSample | WorkerResult) => {
    if (message.kind === "sample") heapMb = message.heapMb;
    else result = message;
  });
  return {
    get heapMb() {
      return heapMb;
    },
    result: new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => {
        if (result === undefined) reject(new Error(`Cannot load PostgreSQL: a process ended with code ${code}`));
        else resolve(result);
      });
    }),
  };
}

/**
 * The memory of a server with all of its processes, in megabytes. What they share counts once. NaN where this system does not
 * tell it.
 */
export function serverMb(pid: number): number {
  return sumOfProcesses(pid, (file) => Number(/^Pss:\s+(\d+)/m.exec(file("smaps_rollup"))?.[1]) / 1e3);
}

/** Looks at the table of keys while `until` is under way, and once more after it. */
export async function watchTable(
  url: string,
  schema: string,
  everyMs: number,
  until: Promise<unknown>,
  told: (sample: TableSample) => void,
): Promise<TableSample[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  const startMs = performance.now();
  const samples: TableSample[] = [];
  let isOver = false;
  const over = until.then(() => {}, () => {}).then(() => isOver = true);
  while (!isOver) {
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([over, new Promise((resolve) => timer = setTimeout(resolve, everyMs))]);
    clearTimeout(timer);
    const [row] = await sql`SELECT n_live_tup AS rows, n_dead_tup AS dead,
        (pg_relation_size(relid) + pg_indexes_size(relid)) / 1024 AS kilobytes,
        round(100.0 * n_tup_hot_upd / greatest(n_tup_upd, 1)) AS hot,
        (SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()) AS deadlocks
      FROM pg_stat_user_tables WHERE schemaname = ${schema} AND relname = 'keys'`;
    if (row === undefined) continue;
    const numbers = Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)]));
    // The statement names each number of a sample.
    const sample = { second: Math.round((performance.now() - startMs) / 1_000), ...numbers } as unknown as TableSample;
    samples.push(sample);
    told(sample);
  }
  await sql.end({ timeout: 1 });
  return samples;
}
