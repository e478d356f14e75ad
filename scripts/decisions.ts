/**
 * Millions of decisions by several processes at once on one store, and whether any limit admitted more than it should.
 *
 *     npm run decisions                                  10 million on NATS, by 4 processes with 64 callers each
 *     npm run decisions -- --count 1000000               fewer
 *     npm run decisions -- --engine postgres             on PostgreSQL
 *     npm run decisions -- --engine redis --url redis://localhost:6379
 *
 * `--limit` says how many units each key admits: more keys have fewer units each. The state of a sliding window grows with it.
 *
 * Each key is asked for about twice as often as its limit allows. It ends with code 1 if a key admitted more than its limit, or
 * less although every call had an answer. The server should be empty; without `--url`, one of NATS or
 * PostgreSQL is started.
 *
 * @module
 */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { extname } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { HOUR_MS, LIMITERS, type Share, type WorkerResult } from "./decisions/plan.ts";
import { startNats } from "./nats/server.ts";
import { startPostgres } from "./postgres/server.ts";

const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "nats" },
    url: { type: "string" },
    count: { type: "string", default: "10000000" },
    processes: { type: "string", default: "4" },
    callers: { type: "string", default: "64" },
    limit: { type: "string", default: "1000" },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  if (values.url !== undefined) return await run(values.url);
  if (values.engine === "postgres") {
    const server = await startPostgres({ settings: { fsync: "on", full_page_writes: "on", shared_buffers: "256MB" } });
    try {
      return await run(server.url);
    } finally {
      await server.stop();
    }
  }
  if (values.engine !== "nats") throw new RangeError(`Cannot start a server for ${values.engine}: give its --url`);
  await using server = await startNats();
  return await run(server.url);
}

async function run(url: string): Promise<number> {
  const [count, processes, callers, limit] = [values.count, values.processes, values.callers, values.limit]
    .map(Number) as [number, number, number, number];
  const keys = Math.max(1, Math.ceil(count / LIMITERS.length / (2 * limit)));
  const share: Share = { engine: values.engine, url, count: Math.ceil(count / processes), callers, limit, keys };
  const startMs = performance.now();
  const results = await Promise.all(Array.from({ length: processes }, (_, i) => work({ ...share, seed: i + 1 })));
  const elapsedMs = performance.now() - startMs;
  const failed = results.reduce((sum, each) => sum + each.failed, 0);
  const problems = LIMITERS.flatMap((name) => problemsOf(name, limit, results, elapsedMs, failed === 0));
  for (const problem of problems.slice(0, 20)) console.error(`FAILED: ${problem}`);
  for (const [text, times] of results.flatMap(({ failures }) => Object.entries(failures)).slice(0, 20)) {
    console.error(`${times} x ${text}`);
  }
  const cpuUs = results.reduce((sum, each) => sum + each.cpuUs, 0);
  console.log(
    `${
      share.count * processes
    } decisions by ${processes} processes with ${callers} callers each on ${values.engine}, ` +
      `${LIMITERS.length * keys} keys: ${problems.length} keys wrong, ${failed} calls without an answer; ` +
      `${(elapsedMs / 1_000).toFixed(1)} s, ${
        (cpuUs / share.count / processes).toFixed(2)
      } µs of all processes a decision`,
  );
  return problems.length === 0 ? 0 : 1;
}

async function work(share: Share): Promise<WorkerResult> {
  const file = fileURLToPath(new URL(`./decisions/worker${extname(import.meta.url)}`, import.meta.url));
  const child: ChildProcess = fork(file, [JSON.stringify(share)]);
  const [result] = await Promise.race([
    once(child, "message"),
    once(child, "exit").then(([code]) => Promise.reject(new Error(`A process ended with code ${code}`))),
  ]) as [WorkerResult];
  return result;
}

/** Keys that admitted too much, or, where all calls had an answer and asked often enough, too little. */
function problemsOf(
  name: typeof LIMITERS[number],
  limit: number,
  results: readonly WorkerResult[],
  elapsedMs: number,
  isExact: boolean,
): string[] {
  const sums = (pick: (result: WorkerResult) => readonly number[]) =>
    results.map(pick).reduce((a, b) => a.map((value, i) => value + (b[i] as number)));
  const admitted = sums(({ admitted }) => admitted[name] as number[]);
  const asked = sums(({ asked }) => asked[name] as number[]);
  const refilled = name === "bucket" ? Math.floor(elapsedMs / (HOUR_MS / limit)) + 1 : 0;
  return admitted.flatMap((units, key) => {
    const least = isExact ? Math.min(limit, asked[key] as number) : 0;
    return units > limit + refilled || units < least
      ? `${name}, key ${key}: ${units} of ${asked[key]} admitted, the limit is ${limit}`
      : [];
  });
}
