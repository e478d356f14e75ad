/**
 * What a lone decision costs, beside a bare `EVALSHA` of `return 1` on a client of the same kind. Calls come one at a
 * time, in short blocks of each kind in turn.
 *
 * @module
 */

import { createClient } from "redis";

import { percentile } from "./_load.ts";
import { openRateSync } from "./_ours.ts";
import { openProbe } from "./_probe.ts";
import { type BenchContext, claim, figure, type Report } from "./_report.ts";

const BLOCK = 50;

/** When it must be done on a machine that is busy with other things, in milliseconds. */
const LIMIT_MS = 15_000;

const BARE = "bare EVALSHA, return 1";
const ACQUIRE = "acquire, token bucket";
const FIXED = "tryAcquire, fixed window";

/** Runs it. */
export async function lone({ url, quick }: BenchContext): Promise<Report> {
  const blocks = quick ? 2 : 80;
  const probe = await openProbe(url);
  await probe.flush();
  const client = await createClient({ url }).connect();
  const sha = await client.scriptLoad("return 1");
  const rs = openRateSync(url, {
    bucket: { ratePerSecond: 1_000_000, burst: 1_000_000 },
    fixed: { algorithm: "fixed_window", limit: 1_000_000, windowMs: 3_600_000 },
    window: { algorithm: "sliding_window", limit: 100_000, windowMs: 60_000 },
    several: { limits: [{ limit: 100_000, windowMs: 1_000 }, { limit: 1_000_000, windowMs: 60_000 }] },
    both: { ratePerSecond: 1_000_000, burst: 1_000_000, maxConcurrent: 10 },
  });
  const key = "user:1";
  const subjects: Record<string, () => Promise<unknown>> = {
    [BARE]: () => client.sendCommand(["EVALSHA", sha, "0"]),
    [ACQUIRE]: () => rs.acquire("bucket", { key }),
    "tryAcquire, token bucket": () => rs.tryAcquire("bucket", { key }),
    [FIXED]: () => rs.tryAcquire("fixed", { key }),
    "tryAcquire, sliding window of 100 000": () => rs.tryAcquire("window", { key }),
    "tryAcquire, two token buckets": () => rs.tryAcquire("several", { key }),
    "acquire and release, rate and slots": async () => await (await rs.acquire("both")).release(),
  };
  const counted = quick ? BLOCK : BLOCK * 10;
  const timesUs = await timeInBlocks(Object.values(subjects), blocks);
  const bareUs = percentile(timesUs[0] ?? [], 0.5);
  const rows = [];
  for (const [i, [what, call]] of Object.entries(subjects).entries()) {
    await probe.reset();
    for (let n = 0; n < counted; n++) await call();
    const { commands, commandUs } = await probe.read();
    const [p50Us, p99Us] = [0.5, 0.99].map((share) => percentile(timesUs[i] ?? [], share)) as [number, number];
    rows.push({
      "one call at a time": what,
      "p50 µs": p50Us,
      "p99 µs": p99Us,
      "beyond bare µs": p50Us - bareUs,
      "p50 / bare": p50Us / bareUs,
      commands: commands / counted,
      "command µs": commandUs / counted,
    });
  }
  await rs.close();
  await client.close();
  await probe.flush();
  await probe.close();

  const acquire = rows.find((row) => row["one call at a time"] === ACQUIRE);
  const fixed = rows.find((row) => row["one call at a time"] === FIXED);
  return {
    about: `One call at a time, ${figure(timesUs[0]?.length ?? 0)} of each kind, in blocks of ${BLOCK} in turn.`,
    rows,
    claims: [
      claim(
        { what: "a lone acquire: p50 against a bare EVALSHA", better: "lower", unit: "x", must: 1.15, aim: 1.05 },
        acquire?.["p50 / bare"],
      ),
      claim({ what: "a lone acquire: commands", better: "lower", unit: "", must: 1, aim: 1 }, acquire?.commands),
      claim(
        { what: "a lone fixed window: p50 beyond a bare EVALSHA", better: "lower", unit: " µs", must: 6, aim: 4 },
        fixed?.["beyond bare µs"],
      ),
      claim(
        { what: "a lone fixed window: command", better: "lower", unit: " µs", must: 5, aim: 3.4 },
        fixed?.["command µs"],
      ),
    ],
    notes: [
      "What a decision adds to a bare call is a time, not a share of it: where processes wake up faster, the ratio is larger.",
    ],
  };
}

/** How long each call took, in microseconds, after a warm-up. */
async function timeInBlocks(calls: readonly (() => Promise<unknown>)[], blocks: number): Promise<number[][]> {
  const timesUs: number[][] = calls.map(() => []);
  const endMs = performance.now() + LIMIT_MS;
  for (let block = -Math.ceil(blocks / 4); block < blocks && performance.now() < endMs; block++) {
    for (const [i, call] of calls.entries()) {
      for (let n = 0; n < BLOCK; n++) {
        const startMs = performance.now();
        await call();
        if (block >= 0) timesUs[i]?.push((performance.now() - startMs) * 1_000);
      }
    }
  }
  return timesUs;
}
