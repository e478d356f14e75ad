/**
 * Measures, against a Redis of its own: each bench in a process of its own, one after the other.
 *
 *     npm run bench                        everything, on Node
 *     npm run bench -- throughput hot_key  the benches whose names contain one of the words
 *     npm run bench -- --deno lone         on another runtime; also --bun
 *     npm run bench -- --quick             tiny counts: shows that everything runs, measures nothing
 *
 * What is measured goes to bench/results/, one file for each bench and runtime.
 *
 * @module
 */

import process from "node:process";

import { BENCHES } from "../bench/mod.ts";
import { exitOnSignals, run } from "./_process.ts";
import { writeBundle } from "./package/bundle.ts";
import { readManifests } from "./package/manifests.ts";
import { obtainRedis } from "./redis/obtain.ts";
import { benchCommand, selectBenches } from "./bench/selection.ts";

/** When everything must be done, in milliseconds: what is still missing then has failed. */
const LIMIT_MS = 900_000;

exitOnSignals();
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function main(args: readonly string[]): Promise<number> {
  const { runtime, names, quick } = selectBenches(args, Object.keys(BENCHES));
  const redis = await obtainRedis();
  console.log(`Redis: ${redis.origin}`);
  const failed: string[] = [];
  const startMs = performance.now();
  try {
    if (names.includes("imports")) await writeBundle((await readManifests()).npm);
    for (const name of names) {
      console.log(`\n## ${name}\n`);
      const file = quick ? [] : [`bench/results/${name}-${runtime}.json`];
      const [program, ...rest] = benchCommand(runtime);
      const beginMs = performance.now();
      const limitMs = Math.max(1, startMs + LIMIT_MS - performance.now());
      const { code } = await run(program, [...rest, name, redis.url, ...file], { live: true, limitMs });
      console.log(`\n${name}: ${((performance.now() - beginMs) / 1_000).toFixed(1)} s`);
      if (code !== 0) failed.push(`${name} ended with code ${code}`);
    }
  } finally {
    await redis.stop();
  }
  console.log(`\n${names.length} benches in ${((performance.now() - startMs) / 1_000).toFixed(0)} s`);
  for (const problem of failed) console.error(`FAILED: ${problem}`);
  return failed.length === 0 ? 0 : 1;
}
