/**
 * How the cost of a decision grows with the number of live keys.
 *
 * @module
 */

import type { LimiterOptions } from "@ratesync/core";

import { compare, paceOf } from "./_compare.ts";
import { userKeys } from "./_names.ts";
import { HOUR_MS, openRateSync, tryAcquireContender } from "./_ours.ts";
import { openProbe, type Probe } from "./_probe.ts";
import type { BenchContext, Report, Row } from "./_report.ts";

/** Its state lives for minutes, so all keys are there together. */
const LASTING: LimiterOptions = { limit: 100_000, windowMs: 10_000 * HOUR_MS };

/** How many keys one script call makes. */
const STEP = 10_000;

/** Runs it. */
export async function growthKeys({ url, quick }: BenchContext): Promise<Report> {
  const lanes = quick ? 20 : 500;
  const pace = paceOf(quick, { warmUpMs: 300, roundMs: 300, rounds: 3 });
  const probe = await openProbe(url);
  const rows: Row[] = [];
  for (const count of quick ? [10, 100] : [100, 1_000, 10_000, 100_000, 1_000_000]) {
    await probe.flush();
    await fill(url, probe, count);
    const keys = userKeys(count);
    const contender = await tryAcquireContender("ours", { url, lanes, keys: scattered(keys), limiter: LASTING });
    const [one] = await compare([contender], pace, probe);
    await contender.close();
    rows.push({
      keys: count,
      "µs a decision": 1e6 / (one?.perSecond ?? NaN),
      "command µs a decision": one?.commandUs ?? NaN,
      "Redis MB": await usedBytes(probe) / 1e6,
    });
  }
  await probe.flush();
  await probe.close();
  return {
    about: `Token buckets, ${lanes} calls in flight over so many live keys, in no order.`,
    rows,
    claims: [],
    notes: [],
  };
}

/** Makes the keys before they are used, as copies of one that a decision made. */
async function fill(url: string, probe: Probe, count: number): Promise<void> {
  await using rs = openRateSync(url, { api: LASTING });
  await rs.tryAcquire("api", { key: "user:0" });
  const made = await probe.send("KEYS", "ours:*user:0") as string[];
  if (made.length !== 1) throw new Error(`Cannot fill Redis: expected one key, received ${made.join(", ")}`);
  const source = made[0] as string;
  const copy = "for i = ARGV[1], ARGV[2] do redis.call('COPY', KEYS[1], ARGV[3] .. string.format('%d', i)) end";
  for (let from = 1; from < count; from += STEP) {
    const to = Math.min(from + STEP, count) - 1;
    await probe.send("EVAL", copy, "1", source, String(from), String(to), source.slice(0, -1));
  }
  const there = Number(await probe.send("DBSIZE")) - 1; // the register of the limiter's rules
  if (there !== count) throw new Error(`Cannot fill Redis: expected ${count} keys, received ${there}`);
}

/** The same keys, far from each other. */
function scattered(keys: readonly string[]): string[] {
  const step = 7_919; // a prime, so that every key is used
  return keys.map((_, i) => keys[i * step % keys.length] as string);
}

async function usedBytes(probe: Probe): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(String(await probe.send("INFO", "memory")))?.[1]);
}
