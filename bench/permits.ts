/**
 * What a permit costs: taken and given back over Redis beside redis-semaphore, handed over among waiters, and in memory.
 *
 * @module
 */

import { openApart, pinRedis } from "./_apart.ts";
import { compare, type Measured, paceOf, ratio } from "./_compare.ts";
import { openPeers } from "./_peers.ts";
import { openProbe } from "./_probe.ts";
import { type BenchContext, type Claim, claim, figure, type Report, type Row, yardstick } from "./_report.ts";

/** More than are ever asked for: no call queues. */
const ROOMY = 1_000;

const OURS = "acquire and release";
const SEMAPHORE = "redis-semaphore, ioredis";
const HANDED_OVER = "acquire and release, 1 permit: handed over";
const MEMORY = "acquire and release, memory";

/** Pairs a second against redis-semaphore, by how many are in flight. */
const AGAINST: Readonly<Record<number, { readonly must: number; readonly aim: number }>> = {
  1: { must: 0.95, aim: 1 },
  10: { must: 1, aim: 1.5 },
  100: { must: 1.5, aim: 3 },
};

/** What is measured side by side. */
interface Case {
  readonly lanes: number;
  readonly keys: number;
  readonly permits: number;
  /** Names, and what they are to the program. */
  readonly subjects: Readonly<Record<string, string>>;
}

/** What a pair of redis-semaphore took on the machine for which the goals were set, in microseconds. */
const THEN_US = {
  /** Of Redis, with 100 in flight. */
  redis: 7.5,
  /** Of commands, with one in flight. */
  command: 8,
};

const BESIDE = { [OURS]: "redis", [SEMAPHORE]: "semaphore" };

/** Runs it. */
export async function permits({ url, quick }: BenchContext): Promise<Report> {
  const probe = await openProbe(url);
  await probe.flush();
  const notPinned = quick ? "Nothing is pinned to a core." : await pinRedis(probe);
  const isPinned = notPinned === undefined;
  const pace = paceOf(quick, { warmUpMs: 1_000, roundMs: 400, rounds: 5 });
  const notes: string[] = notPinned === undefined ? [] : [notPinned];
  const rows: Row[] = [];
  const claims: Claim[] = [];

  async function measure({ lanes, keys, permits, subjects }: Case): Promise<(name: string) => Measured | undefined> {
    const opened = await openPeers(Object.fromEntries(
      Object.entries(subjects).map(([name, subject]) => {
        const args = [subject, url, lanes, keys, permits].map(String);
        return [name, () => openApart(name, { program: "_permit_worker", args, isPinned, quick })];
      }),
    ));
    const measured = await compare(opened.contenders, pace, probe);
    for (const contender of opened.contenders) await contender.close();
    notes.push(...opened.notes);
    const named = (name: string) => measured.find((one) => one.name === name);
    for (const one of measured) rows.push(rowOf(one, lanes, keys, ratio(named(OURS), one)));
    return named;
  }

  const keys = quick ? 20 : 1_000;
  let aloneUs: number | undefined;
  for (const lanes of [1, 10, 100]) {
    const named = await measure({ lanes, keys, permits: ROOMY, subjects: BESIDE });
    const times = ratio(named(OURS), named(SEMAPHORE));
    const what = `permits: pairs/s against redis-semaphore, ${lanes} in flight`;
    claims.push(
      claim({ what, better: "higher", unit: "x", ...AGAINST[lanes] as { must: number; aim: number } }, times),
    );
    if (lanes === 1) aloneUs = named(SEMAPHORE)?.commandUs;
    if (lanes < 100) continue;
    const cost = { what: `permits: Redis µs a pair, ${lanes} in flight`, better: "lower", unit: " µs" } as const;
    const beside = yardstick(
      "redis-semaphore, Redis µs a pair, 100 in flight",
      THEN_US.redis,
      named(SEMAPHORE)?.redisUs,
    );
    claims.push(claim({ ...cost, must: 5.5, aim: 4, yardstick: beside }, named(OURS)?.redisUs));
  }
  await measure({ lanes: 100, keys: 1, permits: ROOMY, subjects: BESIDE });
  const handed = await measure({ lanes: 100, keys: 1, permits: 1, subjects: { [HANDED_OVER]: "redis" } });
  const cheap = { better: "lower", unit: " µs" } as const;
  claims.push(
    claim(
      {
        ...cheap,
        what: "a hand-over among 100 waiters: command µs",
        must: 20,
        aim: 12,
        yardstick: yardstick("redis-semaphore, command µs of a pair, one at a time", THEN_US.command, aloneUs),
      },
      handed(HANDED_OVER)?.commandUs,
    ),
  );
  const memory = await measure({ lanes: 1, keys, permits: ROOMY, subjects: { [MEMORY]: "memory" } });
  claims.push(claim({ ...cheap, what: "a pair in memory: own µs", must: 0.5, aim: 0.2 }, memory(MEMORY)?.ownUs));
  await probe.flush();
  await probe.close();
  return {
    about:
      `A permit is taken and given back. ${figure(ROOMY)} permits a key where no other number stands. Each contender ` +
      "is a process of its own; it and Redis have a core each.",
    rows,
    claims,
    notes,
  };
}

function rowOf(one: Measured, lanes: number, keys: number, times: number | undefined): Row {
  return {
    "a permit, taken and given back": one.name,
    "in flight": lanes,
    keys,
    "Redis µs a pair": one.redisUs,
    "command µs a pair": one.commandUs,
    "own µs a pair": one.ownUs,
    "commands a pair": one.commands,
    "pairs/s": one.perSecond,
    "p50 µs": one.p50Us,
    "ours is faster by": times ?? NaN,
  };
}
