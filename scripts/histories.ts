/**
 * Random histories of every verb, on the memory store and on real Redis with several processes, against an oracle that
 * knows nothing but what was answered before.
 *
 *     npm run histories                       a million steps
 *     npm run histories -- --steps 10000      fewer
 *     npm run histories -- --first 17         from another seed on
 *     npm run histories -- --mixed            processes with different rules; the memory store is the oracle
 *
 * It ends with code 1 if anything was wrong, and prints the seeds. RATESYNC_TEST_REDIS_URL names the Redis; without it, one
 * is started.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";

import { openNodeRedis } from "../src/stores/redis/connections/node_redis.ts";
import { STEPS } from "../tests/_support/histories/history.ts";
import { runBoth } from "../tests/_support/histories/run.ts";
import { obtainRedis } from "./redis/obtain.ts";

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      steps: { type: "string", default: "1000000" },
      first: { type: "string", default: "1" },
      mixed: { type: "boolean", default: false },
    },
  });
  const [first, count] = [Number(values.first), Math.ceil(Number(values.steps) / STEPS)];
  const redis = await obtainRedis();
  try {
    return await run(redis.url, { first, count, areMixed: values.mixed });
  } finally {
    await redis.stop();
  }
}

async function run(
  url: string,
  { first, count, areMixed }: { readonly first: number; readonly count: number; readonly areMixed: boolean },
): Promise<number> {
  const connections = Array.from({ length: 3 }, () => openNodeRedis({ url, socketTimeoutMs: 60_000 }));
  const startMs = performance.now();
  const problems = await runBoth(first, count, connections, { areMixed });
  for (const problem of problems) console.error(`FAILED: ${problem}`);
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
  console.log(
    `${count * STEPS} steps on each store, seeds ${first} to ${
      first + count - 1
    }, ${problems.length} failed, ${seconds} s`,
  );
  await Promise.all(connections.map((connection) => connection.close()));
  return problems.length === 0 ? 0 : 1;
}
