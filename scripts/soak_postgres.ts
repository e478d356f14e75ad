/**
 * Millions of decisions by several processes on one PostgreSQL: no limit is exceeded, nothing ends in a deadlock, and
 * neither the table nor the memory of server and processes grows. Not a part of CI.
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

import { join } from "node:path";
import process from "node:process";

import { TemporaryFolder } from "./_temporary.ts";
import { startPostgres } from "./postgres/server.ts";
import { type Allowed, growthBetween, thirds } from "./soak/growth.ts";
import { unitsIn } from "./soak/units_file.ts";
import { serverMb, startWorker, type TableSample, watchTable } from "./soak_postgres/processes.ts";
import { violationsIn } from "./soak_postgres/violations.ts";

const PROCESSES = 5;
const CONNECTIONS = 3;
const LANES = 100;
const EVERY_MS = 30_000;

/** The table at a moment, and the memory of the processes. */
interface Sample extends TableSample {
  /** The server with all of its processes. */
  readonly serverMb: number;
  /** What is left after a collection in the process where it is most. */
  readonly heapMb: number;
}

/** What may grow, and how far. */
const ALLOWED: Allowed<Sample> = {
  kilobytes: (before) => before * 1.3 + 256,
  serverMb: (before) => before * 1.3 + 16,
  heapMb: (before) => before * 1.3 + 4,
};

process.exitCode = await main(Number(process.argv[2] ?? 10_000_000), Number(process.argv[3] ?? Infinity));

async function main(requests: number, minutes: number): Promise<number> {
  if (!(requests > 0 && minutes > 0)) {
    throw new RangeError(`Cannot soak: expected numbers above 0, received ${process.argv.slice(2)}`);
  }
  const folder = new TemporaryFolder("soak");
  const server = await startPostgres({ settings: { fsync: "on", full_page_writes: "on", shared_buffers: "128MB" } });
  const startMs = performance.now();
  try {
    const share = { requests: Math.ceil(requests / PROCESSES), ms: Math.min(minutes * 60_000, 1e12) };
    const files = Array.from({ length: PROCESSES }, (_, i) => join(folder.path, `units${i}`));
    const workers = files.map((file, i) =>
      startWorker(
        { url: server.url, schema: "ratesync", connections: CONNECTIONS, lanes: LANES, seed: 7 * i + 1, ...share },
        file,
      )
    );
    const running = Promise.all(workers.map(({ result }) => result));
    const samples: Sample[] = [];
    await watchTable(server.url, "ratesync", EVERY_MS, running, (table) => {
      const heapMb = Math.max(...workers.map((worker) => worker.heapMb));
      const sample = { ...table, serverMb: serverMb(server.pid), heapMb };
      samples.push(sample);
      console.log(textOf(sample));
    });
    const results = await running;
    const loads = results.map(({ keys }, i) => ({ taken: unitsIn(files[i] as string, keys) }));
    const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);
    const made = sum(results.map((result) => result.requests));
    const batches = sum(results.map((result) => result.batches));
    const units = sum(loads.flatMap(({ taken }) => Object.values(taken).map(({ length }) => length)));
    const seconds = Math.round((performance.now() - startMs) / 1_000);
    const deadlocks = samples.at(-1)?.deadlocks ?? NaN;
    console.log(
      `\n${made} requests in ${batches} batches in ${seconds} s, ${units} units taken, ${deadlocks} deadlocks`,
    );
    const problems = [...violationsIn(loads), ...growthIn(samples)];
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
    folder[Symbol.dispose]();
  }
}

function textOf({ second, rows, dead, kilobytes, hot, deadlocks, serverMb, heapMb }: Sample): string {
  return `${second} s: ${rows} rows, ${dead} dead, ${kilobytes} kB, ${hot} % HOT, ${deadlocks} deadlocks, ` +
    `server ${serverMb.toFixed(0)} MB, largest heap ${heapMb.toFixed(1)} MB`;
}

/** What has grown between the first third and the last. Autovacuum comes once a minute. */
function growthIn(samples: readonly Sample[]): string[] {
  if (samples.length < 12) return [];
  const [first, , last] = thirds(samples);
  return growthBetween(first, last, ALLOWED);
}
