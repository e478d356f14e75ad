/**
 * Takes permits and gives them back, for `permits.ts`. Its arguments: what to measure, the URL of Redis, how many calls
 * are in flight, how many keys there are, and how many permits each has.
 *
 * @module
 */

import { createRateSync, type RateSync } from "@ratesync/core";

import { type Contender, inFlight } from "./_load.ts";
import { around, userKeys } from "./_names.ts";
import { ENDLESS, openRateSync } from "./_ours.ts";

/** Opens one. */
export async function open([subject = "", url = "", ...numbers]: readonly string[]): Promise<Contender> {
  const [lanes = 1, keyCount = 1, permits = 1] = numbers.map(Number);
  const keys = userKeys(keyCount);
  const limiters = { slots: { maxConcurrent: permits } };
  switch (subject) {
    case "redis":
      return pairs(openRateSync(url, limiters), lanes, keys);
    case "rated":
      return pairs(openRateSync(url, { slots: { ...limiters.slots, ...ENDLESS } }), lanes, keys);
    case "memory":
      return pairs(createRateSync({ limiters }), lanes, keys);
    case "semaphore":
      return await semaphore(url, lanes, keys, permits);
  }
  throw new Error(`expected redis, rated, memory or semaphore, received ${subject}`);
}

function pairs(rs: RateSync<"slots">, lanes: number, keys: readonly string[]): Contender {
  return inFlight("pairs", {
    lanes,
    call: async (i) => {
      const permit = await rs.acquire("slots", { key: around(keys, i) });
      await permit.release();
    },
    close: () => rs.close(),
  });
}

async function semaphore(
  url: string,
  lanes: number,
  keys: readonly string[],
  permits: number,
): Promise<Contender> {
  const [{ Semaphore }, { Redis }] = await Promise.all([import("redis-semaphore"), import("ioredis")]);
  const client = new Redis(url, { enableAutoPipelining: true });
  return inFlight("semaphore", {
    lanes,
    call: async (i) => {
      const one = new Semaphore(client, around(keys, i), permits);
      await one.acquire();
      await one.release();
    },
    commands: ["zrem"],
    close: () => client.quit(),
  });
}
