import assert from "node:assert/strict";
import { after, describe, it } from "node:test";

import { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import { createRedisStore } from "../../src/stores/redis/mod.ts";
import { storeConformance, type StoreConformanceOptions } from "../../src/testing/mod.ts";
import { openRawRedis } from "../_support/raw_redis.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";

/** Time stands still in the suite while real keys would expire: they get a minute more. */
const GRACE_MS = 60_000;

const openMemory: StoreConformanceOptions["open"] = ({ clock }) => new MemoryStore({ clock });

describe("storeConformance() on MemoryStore", () => {
  for (const { name, run } of storeConformance({ open: openMemory })) it(name, run);
});

describe("storeConformance() on Redis", () => {
  const prefixes: string[] = [];
  after(async () => {
    const raw = await openRawRedis();
    const left = (await Promise.all(prefixes.map((prefix) => raw.keys(`*${prefix}*`)))).flat();
    if (left.length > 0) await raw.send("UNLINK", ...left);
    await raw.close();
  });

  const cases = storeConformance({
    open({ clock }) {
      const keyPrefix = freshPrefix();
      prefixes.push(keyPrefix);
      return createRedisStore({ url: redisUrl(), keyPrefix, timingMarginMs: GRACE_MS }, { testClock: clock });
    },
  });
  for (const { name, run } of cases) it(name, run);
});

/** How many requirements each numbered section of the inventory has. */
const SECTIONS: Readonly<Record<string, number>> = {
  "5.1": 9,
  "5.2": 16,
  "5.3": 13,
  "5.4": 17,
  "5.5": 5,
  "5.6": 13,
  "5.7": 8,
  "5.8": 8,
  "5.9": 11,
};

/** Of the integration and performance tests, those that say something about any store. */
const INTEGRATION: readonly number[] = [3, 6, 7, 8, 9, 11, 12, 13, 14, 17, 18, 22, 23, 24, 25, 27];

/** Groups that have no numbers in the inventory. */
const GROUPS: readonly string[] = [
  "5.11.redis",
  "5.11.memory",
  "5.11.fail",
  "5.12.composite",
  "5.12.decorators",
  "5.12.get_or_clone",
  "5.12.identifiers",
  "5.12.testing",
  ...["burst", "cancellation", "clock", "composite", "fifo", "lease", "partial", "peek", "pool", "release"]
    .map((name) => `5.12.missing.${name}`),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 16, 17].map((law) => `law.${law}`),
];

describe("storeConformance()", () => {
  const cases = storeConformance({ open: openMemory });

  it("covers each line of the inventory", () => {
    const expected = [
      ...Object.entries(SECTIONS).flatMap(([section, count]) =>
        Array.from({ length: count }, (_, i) => `${section}.${i + 1}`)
      ),
      ...INTEGRATION.map((number) => `5.10.${number}`),
      ...GROUPS,
    ];
    const covered = new Set(cases.flatMap((definition) => definition.covers));
    assert.deepEqual([...covered].sort(), expected.sort());
  });

  it("names every case once", () => {
    const names = cases.map((definition) => definition.name);
    assert.deepEqual(names.filter((name, i) => names.indexOf(name) !== i), []);
  });

  it("rejects with what the store rejects with", async () => {
    const silent = new MemoryStore();
    silent.execute = () => Promise.reject(new Error("silence"));
    const [first] = storeConformance({ open: () => silent });
    await assert.rejects(first?.run() ?? Promise.resolve(), /silence/);
  });
});
