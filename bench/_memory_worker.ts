/**
 * Decides in its own memory, for `memory.ts`. Its arguments: what to measure, how many keys there are, and the URL of a
 * Redis for units that are leased there.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type Limiter, type LimiterOptions } from "@ratesync/core";

import { atOnce, type Contender, inFlight } from "./_load.ts";
import { around, userKeys } from "./_names.ts";
import { HOUR_MS, openRateSync } from "./_ours.ts";

/** More than is ever asked for. */
const limit = 1_000_000_000;

const fixed: LimiterOptions = { algorithm: "fixed_window", limit, windowMs: HOUR_MS };

const LIMITERS: Readonly<Record<string, LimiterOptions>> = {
  // One unit a second: no bucket is full again before it is asked the next time.
  bucket: { ratePerSecond: 1, burst: limit },
  fixed,
  counter: { algorithm: "sliding_window_counter", limit: 1_000_000, windowMs: HOUR_MS },
  two: { limits: [{ algorithm: "fixed_window", limit, windowMs: HOUR_MS }, { ratePerSecond: 1, burst: limit }] },
  acquire: fixed,
};

/** How many leases of each key are used up before the first round: the last one has some thousand units. */
const LEASES = 7;

const SYNC: Readonly<Record<string, LimiterOptions>> = {
  sync_bucket: { ratePerSecond: 1, burst: limit },
  sync_fixed: fixed,
  sync_lease: { ratePerSecond: 1, burst: limit, tokenLeaseMs: 10_000 },
};

/** Opens one. */
export async function open([subject = "", keyCount = "1", url = ""]: readonly string[]): Promise<Contender> {
  const keys = userKeys(Number(keyCount));
  if (subject === "flexible") return await flexible(keys);
  if (subject === "express") return await express(keys);
  if (subject in SYNC) return await openSync(subject, keys, url);
  const options = LIMITERS[subject];
  if (options === undefined) throw new Error(`expected a contender, received ${subject}`);
  const limiter = createRateSync({ limiters: { api: options } }).limiter("api");
  return inFlight(subject, {
    lanes: 1,
    call: subject === "acquire"
      ? (i) => limiter.acquire({ key: around(keys, i) })
      : (i) => limiter.tryAcquire({ key: around(keys, i) }),
  });
}

async function openSync(subject: string, keys: readonly string[], url: string): Promise<Contender> {
  const limiters = { api: SYNC[subject] as LimiterOptions };
  const rs = subject === "sync_lease" ? openRateSync(url, limiters) : createRateSync({ limiters });
  await rs.connect();
  const limiter = rs.limiter("api");
  if (subject === "sync_lease") await leaseMany(limiter, keys);
  return atOnce(subject, (i) => limiter.tryAcquireSync(around(keys, i)), () => rs.close());
}

/** A lease grows where all of its units were used: until those of each key are enough for a round. */
async function leaseMany(limiter: Limiter, keys: readonly string[]): Promise<void> {
  for (let times = 0; times < LEASES; times++) {
    for (const key of keys) while (limiter.tryAcquireSync(key) !== undefined);
    await sleep(50);
  }
}

async function flexible(keys: readonly string[]): Promise<Contender> {
  const { RateLimiterMemory } = await import("rate-limiter-flexible");
  const limiter = new RateLimiterMemory({ points: limit, duration: HOUR_MS / 1_000 });
  return inFlight("flexible", { lanes: 1, call: (i) => limiter.consume(around(keys, i)).catch(() => undefined) });
}

async function express(keys: readonly string[]): Promise<Contender> {
  const { MemoryStore } = await import("express-rate-limit");
  const store = new MemoryStore();
  store.init({ windowMs: HOUR_MS } as Parameters<typeof store.init>[0]);
  return inFlight("express", { lanes: 1, call: (i) => store.increment(around(keys, i)) });
}
