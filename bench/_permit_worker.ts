/**
 * Takes permits and gives them back, for `permits.ts`. Its arguments: what to measure, the URL of Redis, how many calls
 * are in flight, how many keys there are, and how many permits each has.
 *
 * @module
 */

import process from "node:process";

import { createRateSync, type RateSync } from "@ratesync/core";

import { serveRounds } from "./_apart.ts";
import { type Contender, inFlight } from "./_load.ts";
import { around, userKeys } from "./_names.ts";
import { openRateSync } from "./_ours.ts";

const [subject = "", url = "", ...numbers] = process.argv.slice(2);
const [lanes = 1, keyCount = 1, permits = 1] = numbers.map(Number);
const keys = userKeys(keyCount);
const limiters = { slots: { maxConcurrent: permits } };

await serveRounds(open);

async function open(): Promise<Contender> {
  switch (subject) {
    case "redis":
      return pairs(openRateSync(url, limiters));
    case "memory":
      return pairs(createRateSync({ limiters }));
    case "semaphore":
      return await semaphore();
  }
  throw new Error(`expected redis, memory or semaphore, received ${subject}`);
}

function pairs(rs: RateSync<"slots">): Contender {
  return inFlight(subject, {
    lanes,
    call: async (i) => {
      const permit = await rs.acquire("slots", { key: around(keys, i) });
      await permit.release();
    },
  });
}

async function semaphore(): Promise<Contender> {
  const [{ Semaphore }, { Redis }] = await Promise.all([import("redis-semaphore"), import("ioredis")]);
  const client = new Redis(url, { enableAutoPipelining: true });
  return inFlight(subject, {
    lanes,
    call: async (i) => {
      const one = new Semaphore(client, around(keys, i), permits);
      await one.acquire();
      await one.release();
    },
    commands: ["zrem"],
  });
}
