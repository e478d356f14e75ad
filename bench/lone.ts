/**
 * What a lone decision costs, beside a bare `EVALSHA` of `return 1` and beside rate-limit-redis on a client of the same kind.
 *
 * @module
 */

import type { LimiterOptions } from "@ratesync/core";

import { openApart, openOnRedis, pinRedis } from "./_apart.ts";
import { compare, type Measured, paceOf } from "./_compare.ts";
import { ENDLESS } from "./_ours.ts";
import { openPeers } from "./_peers.ts";
import { openProbe } from "./_probe.ts";
import { type BenchContext, claim, figure, type Report, type Row, yardstick } from "./_report.ts";
import type { Subject } from "./_subjects.ts";

const BARE = "bare EVALSHA, return 1";
const PEER = "rate-limit-redis, fixed window";
const ACQUIRE = "acquire, token bucket";

/** A bucket in use, which these calls never empty. */
const IN_USE: LimiterOptions = { ratePerSecond: 1_000, burst: 1_000_000 };
/** One that is full again before the next call. */
const IDLE: LimiterOptions = { ratePerSecond: 500_000, burst: 1_000_000 };
const FIXED = "tryAcquire, fixed window";
const PAIR = "acquire and release, rate and permits";

const FIXED_WINDOW: LimiterOptions = { ...ENDLESS, algorithm: "fixed_window" };

/** The limiters, by what is measured. */
const LIMITERS: Readonly<Record<string, LimiterOptions>> = {
  [ACQUIRE]: IN_USE,
  "tryAcquire, token bucket": IN_USE,
  "tryAcquire, token bucket that is full again": IDLE,
  "tryAcquire, token bucket of fractions": ENDLESS,
  [FIXED]: FIXED_WINDOW,
  "tryAcquire, sliding window counter": { ...ENDLESS, algorithm: "sliding_window_counter" },
  "tryAcquire, sliding window of 100 000": { algorithm: "sliding_window", limit: 100_000, windowMs: 60_000 },
  "tryAcquire, two token buckets": { limits: [ENDLESS, { limit: 10_000_000_000, windowMs: 86_400_000 }] },
};

/** What rate-limit-redis needed on the machine for which the goals were set, in microseconds. */
const THEN_US = {
  /** Its p50 beyond the bare call. */
  beyond: 4.2,
  /** Its command. */
  command: 3.2,
};

/** Runs it. */
export async function lone({ url, quick }: BenchContext): Promise<Report> {
  const probe = await openProbe(url);
  await probe.flush();
  const notPinned = quick ? "Nothing is pinned to a core." : await pinRedis(probe);
  const isPinned = notPinned === undefined;
  const lanes = 1;
  const open = (name: string, subject: Subject) => openOnRedis(name, subject, { isPinned, quick });
  const opened = await openPeers({
    [BARE]: () => open(BARE, { kind: "bareScript", options: { url, lanes, keys: "user:1" } }),
    ...Object.fromEntries(
      Object.entries(LIMITERS).map(([name, limiter], i) => {
        const verb = name === ACQUIRE ? "acquire" : "tryAcquire";
        const options = { url, lanes, keys: "user:1", limiter, id: `alone_${i}`, verb } as const;
        return [name, () => open(name, { kind: "tryAcquire", options })];
      }),
    ),
    [PAIR]: () => {
      const args = ["rated", url, lanes, 1, 10].map(String);
      return openApart(PAIR, { program: "_permit_worker", args, isPinned, quick });
    },
    [PEER]: () => open(PEER, { kind: "rateLimitRedis", options: { url, lanes, keys: "user:1" } }),
  });
  const measured = await compare(
    opened.contenders,
    paceOf(quick, { warmUpMs: 1_000, roundMs: 150, rounds: 15 }),
    probe,
  );
  for (const contender of opened.contenders) await contender.close();
  await probe.flush();
  await probe.close();

  const named = (name: string) => measured.find((one) => one.name === name);
  const bareUs = named(BARE)?.p50Us ?? NaN;
  const beyondUs = (name: string) => (named(name)?.p50Us ?? NaN) - bareUs;
  return {
    about: "One call at a time on one key, in rounds of each kind in turn; each kind has a process of its own.",
    rows: measured.map((one) => rowOf(one, bareUs)),
    claims: [
      claim(
        { what: "a lone acquire: p50 against a bare EVALSHA", better: "lower", unit: "x", must: 1.15, aim: 1.05 },
        1 + beyondUs(ACQUIRE) / bareUs,
      ),
      claim(
        // One, and what the process asks in the background.
        { what: "a lone acquire: commands", better: "lower", unit: "", must: 1.01, aim: 1.01 },
        named(ACQUIRE)?.commands,
      ),
      claim(
        {
          what: "a lone fixed window: p50 beyond a bare EVALSHA",
          better: "lower",
          unit: " µs",
          must: 6,
          aim: 4,
          yardstick: yardstick("rate-limit-redis, p50 beyond a bare EVALSHA", THEN_US.beyond, beyondUs(PEER)),
        },
        beyondUs(FIXED),
      ),
      claim(
        {
          what: "a lone fixed window: command",
          better: "lower",
          unit: " µs",
          must: 5,
          aim: 3.4,
          yardstick: yardstick("rate-limit-redis, command of a lone call", THEN_US.command, named(PEER)?.commandUs),
        },
        named(FIXED)?.commandUs,
      ),
    ],
    notes: [
      ...notPinned === undefined ? [] : [notPinned],
      ...opened.notes,
      `${
        figure(bareUs)
      } µs of each p50 are the way to Redis and back. What a decision adds is a time, not a share of it.`,
    ],
  };
}

function rowOf({ name, p50Us, p99Us, commands, commandUs, redisUs, ownUs }: Measured, bareUs: number): Row {
  return {
    "one call at a time": name,
    "p50 µs": p50Us,
    "p99 µs": p99Us,
    "beyond bare µs": p50Us - bareUs,
    "p50 / bare": p50Us / bareUs,
    commands,
    "command µs": commandUs,
    "Redis µs": redisUs,
    "own µs": ownUs,
  };
}
