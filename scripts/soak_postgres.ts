/**
 * Millions of decisions by several processes on one PostgreSQL: no limit is exceeded, nothing ends in a deadlock, and the
 * table does not grow. Not a part of CI.
 *
 *     npm run soak:postgres                  ten million requests
 *     npm run soak:postgres -- 100000        as many
 *     npm run soak:postgres -- 10000000 30   in 30 minutes at most
 *
 * Five processes with three connections each ask about the same keys: single token buckets, which SQL decides, windows and
 * several limiters at once, which the kernels decide, waits and penalties. It ends with code 1 if anything is wrong.
 *
 * @module
 */

import process from "node:process";
import { fileURLToPath } from "node:url";

import { startPostgres } from "./postgres/server.ts";
import { runApart, type TableSample, watchTable } from "./soak_postgres/processes.ts";
import { violationsIn } from "./soak_postgres/violations.ts";

const PROCESSES = 5;
const CONNECTIONS = 3;
const LANES = 100;
const EVERY_MS = 30_000;

process.exitCode = await main(Number(process.argv[2] ?? 10_000_000), Number(process.argv[3] ?? Infinity));

async function main(requests: number, minutes: number): Promise<number> {
  if (!(requests > 0 && minutes > 0)) {
    throw new RangeError(`Cannot soak: expected numbers above 0, received ${process.argv.slice(2)}`);
  }
  const server = await startPostgres({ settings: { fsync: "on", full_page_writes: "on", shared_buffers: "128MB" } });
  const startMs = performance.now();
  try {
    const file = fileURLToPath(new URL("./soak_postgres/worker.js", import.meta.url));
    const running = Promise.all(Array.from({ length: PROCESSES }, (_, i) => {
      const load = { url: server.url, schema: "ratesync", connections: CONNECTIONS, lanes: LANES, seed: 7 * i + 1 };
      return runApart(file, {
        ...load,
        requests: Math.ceil(requests / PROCESSES),
        ms: Math.min(minutes * 60_000, 1e12),
      });
    }));
    const samples = await watchTable(
      server.url,
      "ratesync",
      EVERY_MS,
      running,
      (sample) => console.log(textOf(sample)),
    );
    const results = await running;
    const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);
    const made = sum(results.map((result) => result.requests));
    const batches = sum(results.map((result) => result.batches));
    const units = sum(results.flatMap(({ taken }) => Object.values(taken).map(({ length }) => length)));
    const seconds = Math.round((performance.now() - startMs) / 1_000);
    const deadlocks = samples.at(-1)?.deadlocks ?? NaN;
    console.log(
      `\n${made} requests in ${batches} batches in ${seconds} s, ${units} units taken, ${deadlocks} deadlocks`,
    );
    const problems = [...violationsIn(results), ...growthIn(samples)];
    if (deadlocks !== 0) problems.push(`${deadlocks} deadlocks`);
    for (const [text, times] of results.flatMap(({ errors }) => Object.entries(errors))) {
      // On a busy machine: PostgreSQL ends the session of a process that stands still in a transaction for 250 ms, and a
      // call waits for a row for a moment only. Their callers were told.
      if (/the connection broke|55P03/.test(text)) console.log(`${times} x ${text}`);
      else problems.push(`${times} x ${text}`);
    }
    for (const problem of problems) console.error(`FAILED: ${problem}`);
    return problems.length === 0 ? 0 : 1;
  } finally {
    await server.stop();
  }
}

function textOf({ second, rows, dead, kilobytes, hot, deadlocks }: TableSample): string {
  return `${second} s: ${rows} rows, ${dead} dead, ${kilobytes} kB, ${hot} % HOT, ${deadlocks} deadlocks`;
}

/** What has grown between the first third and the last. Autovacuum comes once a minute. */
function growthIn(samples: readonly TableSample[]): string[] {
  if (samples.length < 12) return [];
  const third = Math.floor(samples.length / 3);
  const most = (part: readonly TableSample[]) => Math.max(...part.map(({ kilobytes }) => kilobytes));
  const [early, late] = [most(samples.slice(0, third)), most(samples.slice(-third))];
  return late <= early * 1.3 + 256 ? [] : [`the table grew from ${early} to ${late} kB`];
}
