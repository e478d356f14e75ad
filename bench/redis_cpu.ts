/**
 * What a decision costs Redis when many are under way.
 *
 * @module
 */

import type { LimiterOptions } from "@ratesync/core";

import { compare, type Measured, paceOf } from "./_compare.ts";
import { userKeys } from "./_names.ts";
import { HOUR_MS, mixedContender, ROOMY, tryAcquireContender } from "./_ours.ts";
import { flexibleOnNodeRedis, openPeers, rateLimitRedis, upstash } from "./_peers.ts";
import { openProbe } from "./_probe.ts";
import { type BenchContext, claim, figure, type Report, type Row } from "./_report.ts";

/** The limiters that are measured. Each key is always allowed. */
const LIMITERS: Readonly<Record<string, LimiterOptions>> = {
  "token bucket": ROOMY,
  "sliding window": { ...ROOMY, algorithm: "sliding_window" },
  "sliding window counter": { ...ROOMY, algorithm: "sliding_window_counter" },
  "fixed window": { ...ROOMY, algorithm: "fixed_window" },
  "two token buckets": { limits: [ROOMY, { limit: 10_000, windowMs: 24 * HOUR_MS }] },
};

/** Rules that take each other's place. */
const CHANGES: Readonly<Record<string, readonly [old: LimiterOptions, now: LimiterOptions]>> = {
  "token bucket": [ROOMY, { limit: 2_000, windowMs: HOUR_MS }],
  "fixed window": [
    { ...ROOMY, algorithm: "fixed_window" },
    { limit: 2_000, windowMs: 2 * HOUR_MS, algorithm: "fixed_window" },
  ],
  "token bucket to fixed window": [ROOMY, { ...ROOMY, algorithm: "fixed_window" }],
};

/** What a decision may cost Redis in all, in microseconds, and should. */
const GOALS: readonly [name: string, must: number, aim: number][] = [
  ["token bucket", 1.5, 1],
  ["fixed window", 1.2, 0.9],
  ["sliding window counter", 1.5, 1],
  ["sliding window", 2.8, 2],
  ["two token buckets", 2, 1.4],
];

/** Runs it. */
export async function redisCpu({ url, quick }: BenchContext): Promise<Report> {
  const options = { url, keys: userKeys(quick ? 100 : 10_000), lanes: quick ? 20 : 500 };
  const probe = await openProbe(url);
  await probe.flush();
  // All at once: they mostly wait until their processes have heard of each other.
  const changes = Object.entries(CHANGES).flatMap(([change, limiters], i) =>
    [false, true].map((isOver) => {
      const name = `${change}, ${isOver ? "after a change of its rules" : "beside other rules"}`;
      const id = `change_${i}_${isOver}`;
      return [name, mixedContender(name, { ...options, limiters, isOver, id, heardMs: quick ? 20 : 4_500 })] as const;
    })
  );
  const { contenders, notes } = await openPeers({
    ...Object.fromEntries(
      Object.entries(LIMITERS).map(([name, limiter]) => [
        name,
        () => tryAcquireContender(name, { ...options, limiter, id: name.replaceAll(" ", "_") }),
      ]),
    ),
    ...Object.fromEntries(changes.map(([name, contender]) => [name, () => contender])),
    "rate-limiter-flexible": () => flexibleOnNodeRedis(options),
    "rate-limit-redis": () => rateLimitRedis(options),
    "@upstash/ratelimit, token bucket": () => upstash("tokenBucket")(options),
    "@upstash/ratelimit, sliding window": () => upstash("slidingWindow")(options),
    "@upstash/ratelimit, fixed window": () => upstash("fixedWindow")(options),
  });
  const pace = paceOf(quick, { warmUpMs: 600, roundMs: 250, rounds: 5 });
  // One after the other, not in turn: scripts leave garbage in Redis' Lua, which is collected while others run.
  const measured: Measured[] = [];
  for (const contender of contenders) measured.push(...await compare([contender], pace, probe));
  for (const contender of contenders) await contender.close();
  await probe.flush();
  await probe.close();
  return {
    about:
      `${
        figure(options.keys.length)
      } keys, ${options.lanes} calls in flight, one process; one after the other. Command µs is what INFO ` +
      "commandstats tells, which counts the time a busy machine takes away; Redis µs is all of its processor time.",
    rows: measured.map(rowOf),
    claims: GOALS.map(([name, must, aim]) =>
      claim(
        { what: `Redis CPU, batched ${name}`, better: "lower", unit: " µs", must, aim },
        measured.find((one) => one.name === name)?.redisUs,
      )
    ),
    notes,
  };
}

function rowOf({ name, perSecond, commands, commandUs, redisUs, ownUs }: Measured): Row {
  return {
    "500 calls in flight": name,
    "decisions/s": perSecond,
    "commands a decision": commands,
    "command µs a decision": commandUs,
    "Redis µs a decision": redisUs,
    "own µs a decision": ownUs,
  };
}
