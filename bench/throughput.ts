/**
 * Decisions a second on many keys, with many calls in flight.
 *
 * @module
 */

import { compare, type Measured, paceOf, ratio } from "./_compare.ts";
import { userKeys } from "./_names.ts";
import { ROOMY, tryAcquireContender } from "./_ours.ts";
import { bareScript, flexibleOnIoredis, flexibleOnNodeRedis, openPeers, rateLimitRedis, upstash } from "./_peers.ts";
import { openProbe } from "./_probe.ts";
import { redisBenchmark } from "./_redis_benchmark.ts";
import { type BenchContext, claim, figure, type Report, type Row } from "./_report.ts";

const OURS = "tryAcquire, token bucket";
const NODE_REDIS = "rate-limiter-flexible, node-redis";
const IOREDIS = "rate-limiter-flexible, ioredis with auto-pipelining";
const C_CLIENTS = "redis-benchmark, 500 clients";
const C_PIPELINE = "redis-benchmark, 50 clients, 16 in a pipeline";

/** Runs it. */
export async function throughput({ url, quick }: BenchContext): Promise<Report> {
  const lanes = quick ? 20 : 500;
  const keys = userKeys(quick ? 100 : 10_000);
  const options = { url, keys, lanes };
  const probe = await openProbe(url);
  await probe.flush();
  const { contenders, notes } = await openPeers({
    [OURS]: () => tryAcquireContender(OURS, { ...options, limiter: ROOMY }),
    [NODE_REDIS]: () => flexibleOnNodeRedis(options),
    [IOREDIS]: () => flexibleOnIoredis(options),
    "rate-limit-redis, node-redis": () => rateLimitRedis(options),
    "@upstash/ratelimit, token bucket, node-redis": () => upstash("tokenBucket")(options),
    "bare EVALSHA, return 1, node-redis": () => bareScript(options),
    [C_CLIENTS]: () => redisBenchmark({ url, clients: lanes, pipeline: 1, keys: keys.length }),
    [C_PIPELINE]: () => redisBenchmark({ url, clients: quick ? 5 : 50, pipeline: 16, keys: keys.length }),
  });
  const pace = paceOf(quick, { warmUpMs: 1_200, roundMs: 500, rounds: 5 });
  const measured = await compare(contenders, pace, probe);
  for (const contender of contenders) await contender.close();
  await probe.flush();
  await probe.close();

  const named = (name: string) => measured.find((one) => one.name === name);
  const ours = named(OURS);
  const c = [named(C_CLIENTS), named(C_PIPELINE)].filter((one) => one !== undefined);
  const fastestC = c.toSorted((a, b) => b.perSecond - a.perSecond)[0];
  const against = { better: "higher", unit: "x" } as const;
  return {
    about: `${figure(keys.length)} keys, ${lanes} calls in flight, one process.`,
    rows: measured.map((one) => rowOf(one, ratio(ours, one))),
    claims: [
      claim(
        { ...against, what: `distinct keys, against ${NODE_REDIS}`, must: 5, aim: 7 },
        ratio(ours, named(NODE_REDIS)),
      ),
      claim({ ...against, what: `distinct keys, against ${IOREDIS}`, must: 3, aim: 4 }, ratio(ours, named(IOREDIS))),
      claim(
        { ...against, what: "distinct keys, against redis-benchmark on the same script", must: 1.3, aim: 1.8 },
        ratio(ours, fastestC),
      ),
    ],
    notes: [
      ...notes,
      "@upstash/ratelimit runs with its classes and scripts over node-redis; the first line of its scripts, " +
      "`#!lua flags=allow-key-locking`, is left out: Redis refuses it.",
    ],
  };
}

function rowOf(one: Measured, times: number | undefined): Row {
  return {
    "distinct keys": one.name,
    "decisions/s": one.perSecond,
    "p50 µs": one.p50Us,
    "p99 µs": one.p99Us,
    "commands a decision": one.commands,
    "command µs a decision": one.commandUs,
    "Redis µs a decision": one.redisUs,
    "own µs a decision": one.ownUs,
    "tryAcquire is faster by": times ?? NaN,
  };
}
