import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type Permit } from "../../mod.ts";
import { ahead } from "../_support/together.ts";
import { openRawRedis, type RawRedis } from "../_support/raw_redis.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";

const LEASE_MS = 2_000;
const WAITERS = 6;

/** What becomes of the permits that are held when Redis loses its keys. */
const ENDINGS: Readonly<Record<string, (held: Permit) => Promise<void>>> = {
  "the holder has released its permit": (held) => held.release(),
  "the holder hears that its permit is lost": async (held) => {
    if (!held.lost.aborted) await new Promise((resolve) => held.lost.addEventListener("abort", resolve));
  },
};

describe("Calls that wait for a permit when Redis loses their queue", () => {
  let raw: RawRedis;
  before(async () => raw = await openRawRedis());
  after(() => raw.close());

  /** How long after the loss each call was served, in milliseconds, in the order in which they came. */
  async function servedMs(ending: (held: Permit) => Promise<void>): Promise<number[]> {
    const prefix = freshPrefix();
    const instance = () =>
      createRateSync({
        logger: false,
        stores: { main: { engine: "redis", url: redisUrl(), keyPrefix: prefix } },
        limiters: { one: { maxConcurrent: 1, leaseTtlMs: LEASE_MS, timeoutMs: 30_000 } },
      });
    await using rs = instance();
    const held = await rs.acquire("one");
    const waiting: Promise<number>[] = [];
    for (let i = 1; i <= WAITERS; i++) {
      waiting.push(
        rs.acquire("one").then(async (permit) => {
          const nowMs = performance.now();
          await permit.release();
          return nowMs;
        }),
      );
      while (await raw.send("ZCARD", `{${prefix}:one}:waiters`) !== i) await sleep(2);
    }
    await raw.send("DEL", ...await raw.keys(`*${prefix}:one*`));
    const lostMs = performance.now();
    await ending(held);
    return (await Promise.all(waiting)).map((atMs) => atMs - lostMs);
  }

  const outcomeOf = ahead(Object.values(ENDINGS).map((ending) => () => servedMs(ending)));

  for (const [i, name] of Object.keys(ENDINGS).entries()) {
    it(`are all served in order at that time: ${name}`, async () => {
      const times = await outcomeOf(i);
      assert.deepEqual(times, times.toSorted((a, b) => a - b));
      // If each of them found out by itself, each would take the length of a lease.
      assert.ok((times.at(-1) as number) < WAITERS * LEASE_MS / 2, `${times.map(Math.round)}`);
    });
  }
});
