/**
 * What a decision costs Redis when many are under way.
 *
 * @module
 */

import type { LimiterOptions } from "@ratesync/core";

import { openOnRedis, pinRedis } from "./_apart.ts";
import { compare, type Measured, paceOf } from "./_compare.ts";
import { HOUR_MS, ROOMY } from "./_ours.ts";
import { openPeers } from "./_peers.ts";
import { openProbe } from "./_probe.ts";
import type { Subject } from "./_subjects.ts";
import { type BenchContext, claim, figure, type Report, type Row, yardstick } from "./_report.ts";

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

/** What rate-limit-redis cost Redis on the machine for which the goals were set, in microseconds. */
const YARDSTICK_US = 3.4;

/** Other packages, as the program of a process calls them. */
const PEERS = {
  "rate-limiter-flexible": "flexibleOnNodeRedis",
  "rate-limit-redis": "rateLimitRedis",
  "@upstash/ratelimit, token bucket": "upstashTokenBucket",
  "@upstash/ratelimit, sliding window": "upstashSlidingWindow",
  "@upstash/ratelimit, fixed window": "upstashFixedWindow",
} as const;

/** Runs it. */
export async function redisCpu({ url, quick }: BenchContext): Promise<Report> {
  const options = { url, keys: quick ? 100 : 10_000, lanes: quick ? 20 : 500 };
  const probe = await openProbe(url);
  const notes = [await pinRedis(probe)].filter((note) => note !== undefined);
  const isPinned = notes.length === 0;
  const pace = paceOf(quick, { warmUpMs: 600, roundMs: 250, rounds: 5 });
  const measured: Measured[] = [];
  // One after the other, not in turn: scripts leave garbage in Redis' Lua, which is collected while others run.
  async function measure(subjects: readonly (readonly [name: string, Subject])[]): Promise<void> {
    await probe.flush();
    const opened = await openPeers(Object.fromEntries(
      subjects.map(([name, subject]) => {
        const contender = openOnRedis(name, subject, { isPinned, quick });
        contender.catch(() => {}); // those before it are awaited first
        return [name, () => contender] as const;
      }),
    ));
    notes.push(...opened.notes);
    for (const contender of opened.contenders) measured.push(...await compare([contender], pace, probe));
    for (const contender of opened.contenders) await contender.close();
  }
  for (const [name, limiter] of Object.entries(LIMITERS)) {
    await measure([[name, { kind: "tryAcquire", options: { ...options, limiter } }]]);
  }
  for (const [name, kind] of Object.entries(PEERS)) await measure([[name, { kind, options }]]);
  // All at once: they mostly wait until their processes have heard of each other.
  await measure(
    Object.entries(CHANGES).flatMap(([change, limiters], i) =>
      [false, true].map((isOver) => {
        const id = `change_${i}_${isOver}`;
        const heardMs = quick ? 20 : 4_500;
        return [
          `${change}, ${isOver ? "after a change of its rules" : "beside other rules"}`,
          { kind: "mixed", options: { ...options, limiters, isOver, id, heardMs } },
        ] as const;
      })
    ),
  );
  await probe.flush();
  await probe.close();
  const named = (name: string) => measured.find((one) => one.name === name)?.redisUs;
  const beside = yardstick("rate-limit-redis, Redis µs a decision", YARDSTICK_US, named("rate-limit-redis"));
  return {
    about:
      `${
        figure(options.keys)
      } keys, ${options.lanes} calls in flight; one after the other, each in a process of its own. Command µs is what INFO ` +
      "commandstats tells, which counts the time a busy machine takes away; Redis µs is all of its processor time.",
    rows: measured.map(rowOf),
    claims: GOALS.map(([name, must, aim]) =>
      claim(
        { what: `Redis CPU, batched ${name}`, better: "lower", unit: " µs", must, aim, yardstick: beside },
        named(name),
      )
    ),
    notes,
  };
}

function rowOf({ name, perSecond, commands, commandUs, redisUs, ownUs }: Measured): Row {
  return {
    "500 calls in flight": name,
    "Redis µs a decision": redisUs,
    "command µs a decision": commandUs,
    "own µs a decision": ownUs,
    "commands a decision": commands,
    "decisions/s": perSecond,
  };
}
