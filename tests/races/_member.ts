/**
 * What the processes of a fleet have in common: an instance, and a counter of their own in Redis.
 *
 * @module
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type LimiterOptions, type RateSync } from "../../mod.ts";
import { openRawRedis, type RawRedis } from "../_support/raw_redis.ts";

/** What a worker was told, and what it works with. */
export interface Member<Work> {
  /** What it shall do. */
  readonly work: Work;
  /** Its instance, which hides no failure of the store. */
  readonly rs: RateSync;
  /** A connection beside the instance. */
  readonly raw: RawRedis;
  /** What every key begins with. */
  readonly prefix: string;
  /** What went wrong. */
  readonly errors: string[];
  /** Waits until all processes of the fleet are ready. */
  start(): Promise<void>;
  /** Counts this process in as a holder. Returns how many there are now. */
  enter(): Promise<number>;
  /** Counts it out. */
  leave(): Promise<void>;
  /** Disconnects; the process then ends by itself. */
  close(): Promise<void>;
}

interface Told {
  readonly url: string;
  readonly prefix: string;
  readonly limiters: Record<string, LimiterOptions>;
  readonly size?: number;
}

/** Reads the worker's argument, connects, and prints `ready`. */
export async function join<Work>(): Promise<Member<Work>> {
  const { url, prefix, limiters, size = 1, ...work } = JSON.parse(process.argv[2] as string) as Told & Work;
  const errors: string[] = [];
  process.on("unhandledRejection", (reason) => errors.push(`unhandled: ${reason}`));
  const strict = Object.entries(limiters).map(([id, options]) => [id, { onStoreError: "throw", ...options }]);
  const rs = createRateSync({
    stores: { shared: { engine: "redis", url, keyPrefix: prefix, decisionTimeoutMs: Infinity } },
    limiters: Object.fromEntries(strict) as Record<string, LimiterOptions>,
  });
  const raw = await openRawRedis(url);
  await rs.connect();
  console.log("ready");
  return {
    work: work as Work,
    rs,
    raw,
    prefix,
    errors,
    async start() {
      await raw.send("INCR", `${prefix}:ready`);
      while (Number(await raw.send("GET", `${prefix}:ready`)) < size) await sleep(5);
    },
    enter: async () => Number(await raw.send("INCR", `${prefix}:inside`)),
    leave: async () => void (await raw.send("DECR", `${prefix}:inside`)),
    close: async () => {
      await rs.close();
      await raw.close();
    },
  };
}
