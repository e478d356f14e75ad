/**
 * What a decision costs over a round trip, beside a bare `EVALSHA` of `return 1` on a client of the same kind, in one
 * run: `npm run bench`. Shows by the server's own count that each decision is one command.
 *
 * @module
 */

import process from "node:process";

import { createClient } from "redis";

import { createRateSync } from "@ratesync/core";

/** One line of the table. */
export interface RoundTrip {
  /** What was called. */
  readonly what: string;
  /** The median, in microseconds. */
  readonly p50Us: number;
  /** The 99th percentile, in microseconds. */
  readonly p99Us: number;
  /** Script calls that reached Redis, for each call. */
  readonly scriptsPerCall: number;
  /** Processor time of Redis for each script call, in microseconds, by `commandstats`. */
  readonly redisUs: number;
}

const CALLS = 5_000;

/** Measures against a Redis whose data may be thrown away. One call at a time. */
export async function measureRoundTrips(url: string): Promise<RoundTrip[]> {
  const client = await createClient({ url }).connect();
  const sha = await client.scriptLoad("return 1");
  const store = { engine: "redis", url, keyPrefix: `bench:${process.pid}` } as const;
  const rs = createRateSync({
    stores: { store },
    limiters: {
      bucket: { ratePerSecond: 1_000_000, burst: 1_000_000 },
      window: { algorithm: "sliding_window", limit: 100_000, windowMs: 60_000 },
      several: { limits: [{ limit: 100_000, windowMs: 1_000 }, { limit: 1_000_000, windowMs: 60_000 }] },
      both: { ratePerSecond: 1_000_000, burst: 1_000_000, maxConcurrent: 10 },
    },
  });
  const subjects: [string, () => Promise<unknown>][] = [
    ["bare EVALSHA, return 1", () => client.sendCommand(["EVALSHA", sha, "0"])],
    ["tryAcquire, token bucket", () => rs.tryAcquire("bucket", { key: "user:1" })],
    ["tryAcquire, sliding window of 100 000", () => rs.tryAcquire("window", { key: "user:1" })],
    ["tryAcquire, two windows", () => rs.tryAcquire("several", { key: "user:1" })],
    ["acquire, token bucket", () => rs.acquire("bucket", { key: "user:1" })],
    ["acquire and release, rate and slots", async () => await (await rs.acquire("both")).release()],
  ];
  const rows: RoundTrip[] = [];
  for (const [what, call] of subjects) {
    for (let i = 0; i < CALLS / 5; i++) await call();
    await client.sendCommand(["CONFIG", "RESETSTAT"]);
    const times: number[] = [];
    for (let i = 0; i < CALLS; i++) {
      const startMs = performance.now();
      await call();
      times.push((performance.now() - startMs) * 1_000);
    }
    times.sort((a, b) => a - b);
    const stats = String(await client.sendCommand(["INFO", "commandstats"]));
    const [, calls = 0, us = 0] = stats.match(/cmdstat_evalsha:calls=(\d+),usec=(\d+)/) ?? [];
    rows.push({
      what,
      p50Us: times[Math.floor(CALLS * 0.5)] as number,
      p99Us: times[Math.floor(CALLS * 0.99)] as number,
      scriptsPerCall: Number(calls) / CALLS,
      redisUs: Number(us) / Number(calls),
    });
  }
  await rs.resetAll();
  await rs.close();
  await client.close();
  return rows;
}
