/**
 * Decisions a second on many keys, with many calls in flight.
 *
 * @module
 */

import { openOnRedis, pinRedis } from "./_apart.ts";
import { compare, type Measured, paceOf, ratio } from "./_compare.ts";
import type { Contender } from "./_load.ts";
import { ROOMY } from "./_ours.ts";
import { openPeers } from "./_peers.ts";
import { openProbe } from "./_probe.ts";
import { redisBenchmark } from "./_redis_benchmark.ts";
import type { Subject } from "./_subjects.ts";
import { type BenchContext, claim, figure, type Report, type Row } from "./_report.ts";

const OURS = "tryAcquire, token bucket";
const FIXED = "tryAcquire, fixed window";
const NODE_REDIS = "rate-limiter-flexible, node-redis";
const IOREDIS = "rate-limiter-flexible, ioredis with auto-pipelining";
const RATE_LIMIT_REDIS = "rate-limit-redis, node-redis";
const C_CLIENTS = "redis-benchmark, 500 clients";
const C_PIPELINE = "redis-benchmark, 50 clients, 16 in a pipeline";

/** Contenders that are measured with any number of calls in flight. */
const ALWAYS: Readonly<Record<string, (options: Options) => Subject>> = {
  [OURS]: (options) => ({ kind: "tryAcquire", options: { ...options, limiter: ROOMY } }),
  [FIXED]: (options) => ({
    kind: "tryAcquire",
    options: { ...options, limiter: { ...ROOMY, algorithm: "fixed_window" }, id: "fixed" },
  }),
  [NODE_REDIS]: (options) => ({ kind: "flexibleOnNodeRedis", options }),
  [IOREDIS]: (options) => ({ kind: "flexibleOnIoredis", options }),
  [RATE_LIMIT_REDIS]: (options) => ({ kind: "rateLimitRedis", options }),
};

/** Those that are measured with many. */
const WITH_MANY: typeof ALWAYS = {
  "@upstash/ratelimit, token bucket, node-redis": (options) => ({ kind: "upstashTokenBucket", options }),
  "bare EVALSHA, return 1, node-redis": (options) => ({ kind: "bareScript", options }),
};

interface Options {
  readonly url: string;
  readonly lanes: number;
  readonly keys: number;
}

/** Runs it. */
export async function throughput({ url, quick }: BenchContext): Promise<Report> {
  const keys = quick ? 100 : 10_000;
  const probe = await openProbe(url);
  const pinned = await pinRedis(probe);
  const pace = paceOf(quick, { warmUpMs: 1_200, roundMs: 500, rounds: 5 });
  const rows: Row[] = [];
  const notes: string[] = pinned === undefined ? [] : [pinned];
  async function measure(
    lanes: number,
    subjects: typeof ALWAYS,
    others: Readonly<Record<string, () => Promise<Contender>>> = {},
  ): Promise<(name: string) => Measured | undefined> {
    await probe.flush();
    const opened = await openPeers({
      ...Object.fromEntries(
        Object.entries(subjects).map(([name, subject]) =>
          [
            name,
            () => openOnRedis(name, subject({ url, lanes, keys }), { isPinned: pinned === undefined, quick }),
          ] as const
        ),
      ),
      ...others,
    });
    const measured = await compare(opened.contenders, pace, probe);
    for (const contender of opened.contenders) await contender.close();
    notes.push(...opened.notes.filter((note) => !notes.includes(note)));
    const named = (name: string) => measured.find((one) => one.name === name);
    rows.push(...measured.map((one) => rowOf(one, lanes, ratio(named(OURS), one))));
    return named;
  }
  const lanes = quick ? 20 : 500;
  const many = await measure(lanes, { ...ALWAYS, ...WITH_MANY }, {
    [C_CLIENTS]: () => redisBenchmark({ url, clients: lanes, pipeline: 1, keys }),
    [C_PIPELINE]: () => redisBenchmark({ url, clients: quick ? 5 : 50, pipeline: 16, keys }),
  });
  const some = quick ? undefined : await measure(100, ALWAYS);
  const few = await measure(10, ALWAYS);
  await probe.flush();
  await probe.close();

  const ours = many(OURS);
  const c = [many(C_CLIENTS), many(C_PIPELINE)].filter((one) => one !== undefined);
  const fastestC = c.toSorted((a, b) => b.perSecond - a.perSecond)[0];
  const against = { better: "higher", unit: "x" } as const;
  const fixedWindow = `fixed window, against ${RATE_LIMIT_REDIS}`;
  return {
    about: `${figure(keys)} keys; each contender is a process of its own.`,
    rows,
    claims: [
      claim(
        { ...against, what: `distinct keys, against ${NODE_REDIS}`, must: 5, aim: 7 },
        ratio(ours, many(NODE_REDIS)),
      ),
      claim({ ...against, what: `distinct keys, against ${IOREDIS}`, must: 3, aim: 4 }, ratio(ours, many(IOREDIS))),
      claim(
        { ...against, what: "distinct keys, against redis-benchmark on the same script", must: 1.3, aim: 1.8 },
        ratio(ours, fastestC),
      ),
      ...(some === undefined ? [] : [claim(
        { ...against, what: `distinct keys, 100 in flight, against ${NODE_REDIS}`, must: 5, aim: 5.7 },
        ratio(some(OURS), some(NODE_REDIS)),
      )]),
      claim(
        { ...against, what: `${fixedWindow}, 500 in flight`, must: 5, aim: 10 },
        ratio(many(FIXED), many(RATE_LIMIT_REDIS)),
      ),
      claim(
        { ...against, what: `${fixedWindow}, 10 in flight`, must: 2, aim: 2.5 },
        ratio(few(FIXED), few(RATE_LIMIT_REDIS)),
      ),
    ],
    notes: [
      ...notes,
      "@upstash/ratelimit runs with its classes and scripts over node-redis; the first line of its scripts, " +
      "`#!lua flags=allow-key-locking`, is left out: Redis refuses it.",
    ],
  };
}

function rowOf(one: Measured, lanes: number, times: number | undefined): Row {
  return {
    "distinct keys": one.name,
    "in flight": lanes,
    "Redis µs a decision": one.redisUs,
    "command µs a decision": one.commandUs,
    "own µs a decision": one.ownUs,
    "commands a decision": one.commands,
    "decisions/s": one.perSecond,
    "p50 µs": one.p50Us,
    "p99 µs": one.p99Us,
    "tryAcquire is faster by": times ?? NaN,
  };
}
