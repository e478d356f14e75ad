/**
 * What a key takes in Redis, by `MEMORY USAGE`: all keys that there are after ten decisions for one user. Names are
 * equally long.
 *
 * @module
 */

import type { LimiterOptions } from "@ratesync/core";

import type { Contender } from "./_load.ts";
import { HOUR_MS, tryAcquireContender } from "./_ours.ts";
import { flexibleOnNodeRedis, openPeers, type PeerOptions, rateLimitRedis, upstash } from "./_peers.ts";
import { openProbe } from "./_probe.ts";
import type { BenchContext, Report, Row } from "./_report.ts";

const DECISIONS = 10;

/** How long the name of the main key is, prefix and all. */
const NAME_LENGTH = 24;

const HOURLY = { limit: 1_000, windowMs: HOUR_MS };

/** Our limiters, whose keys begin with `ours:api:`. */
const LIMITERS: Readonly<Record<string, LimiterOptions>> = {
  "token bucket, 1 000 an hour": HOURLY,
  "token bucket, 3 a second": { ratePerSecond: 3, burst: 100 },
  "fixed window": { ...HOURLY, algorithm: "fixed_window" },
  "sliding window counter": { ...HOURLY, algorithm: "sliding_window_counter" },
  "sliding window, 10 units in it": { ...HOURLY, algorithm: "sliding_window" },
  "three token buckets": { limits: [HOURLY, { limit: 5_000, windowMs: 5 * HOUR_MS }, { ratePerSecond: 9, burst: 99 }] },
};

/** Runs it. */
export async function bytes({ url }: BenchContext): Promise<Report> {
  const probe = await openProbe(url);
  const rows: Row[] = [];
  const notes: string[] = [];
  async function measure(name: string, prefix: string, open: (options: PeerOptions) => Promise<Contender>) {
    await probe.flush();
    const keys = ["0123456789".repeat(3).slice(0, NAME_LENGTH - prefix.length)];
    const opened = await openPeers({ [name]: () => open({ url, keys, lanes: 1 }) });
    notes.push(...opened.notes);
    for (const contender of opened.contenders) {
      await contender.round(DECISIONS - contender.least);
      rows.push({ "one user, 10 decisions": name, "bytes in Redis": await probe.bytes() });
      await contender.close();
    }
  }
  for (const [name, limiter] of Object.entries(LIMITERS)) {
    await measure(name, "ours:api:", (options) => tryAcquireContender(name, { ...options, limiter }));
  }
  await measure("rate-limiter-flexible", "flexible:", flexibleOnNodeRedis);
  await measure("rate-limit-redis", "rlr:", rateLimitRedis);
  for (const algorithm of ["tokenBucket", "slidingWindow", "fixedWindow"] as const) {
    await measure(`@upstash/ratelimit, ${algorithm}`, `upstash_${algorithm}:`, upstash(algorithm));
  }
  await probe.flush();
  await probe.close();
  return {
    about: `All keys that ${DECISIONS} decisions for one user leave, by MEMORY USAGE. The main key's name has ` +
      `${NAME_LENGTH} characters; @upstash/ratelimit adds the window's number to it.`,
    rows,
    claims: [],
    notes,
  };
}
