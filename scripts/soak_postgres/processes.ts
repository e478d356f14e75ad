/**
 * Processes that load one PostgreSQL, and what it looks like meanwhile.
 *
 * @module
 */

import { spawn } from "node:child_process";
import process from "node:process";

import postgres from "postgres";

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

/** Runs a load in a process of its own: `file` runs what its argument says, as JSON, and prints the result. */
export function runApart(file: string, load: Load): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, JSON.stringify(load)], { stdio: ["ignore", "pipe", "inherit"] });
    const parts: Buffer[] = [];
    child.stdout.on("data", (part: Buffer) => parts.push(part));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code !== 0) return reject(new Error(`Cannot load PostgreSQL: a process ended with code ${code}`));
      resolve(JSON.parse(Buffer.concat(parts).toString()) as LoadResult);
    });
  });
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
