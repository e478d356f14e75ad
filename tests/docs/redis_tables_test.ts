import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";

import { createRateSync, type LimiterOptions, type RateSync } from "../../mod.ts";
import { REFERENCE } from "../laws/_script_times.ts";
import { openRawRedis, type RawRedis } from "../_support/raw_redis.ts";
import { type RedisProcess, startRedis, until } from "../stores/redis/_servers.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const KEY = "user:42";

let server: RedisProcess;
let raw: RawRedis;
/** The page is about Redis 7.0; allocators of other servers round otherwise. */
let rounding = 0.25;

before(async () => {
  server = await startRedis();
  raw = await openRawRedis(server.url);
  if (/redis_version:7\.0\./.test(String(await raw.send("INFO", "server")))) rounding = 0;
});

after(async () => {
  await raw?.close();
  await server?.[Symbol.asyncDispose]();
});

/** The rows between a mark and `<!-- end -->`: the first cell, and the numbers of the others. */
async function rowsOf(page: string, mark: string): Promise<Map<string, number[]>> {
  const text = await readFile(`docs/redis/${page}`, "utf8");
  const [, table = ""] = new RegExp(`<!-- ${mark} -->(.*?)<!-- end -->`, "s").exec(text) ?? [];
  const rows = table.trim().split("\n").slice(2).map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()));
  return new Map(rows.map(([what = "", ...cells]) => [what, cells.map((cell) => Number(cell.replaceAll(" ", "")))]));
}

async function withLimiter<Result>(
  options: LimiterOptions,
  use: (rs: RateSync<"api">) => Promise<Result>,
): Promise<Result> {
  await raw.send("FLUSHALL");
  await using rs = createRateSync({
    stores: { shared: { engine: "redis", url: server.url } },
    limiters: { api: { onStoreError: "throw", denyCacheMs: 0, ...options } },
  });
  return await use(rs);
}

interface Stored {
  readonly options: LimiterOptions;
  /** Units to take one after the other; 1 where nothing is said. */
  readonly calls?: number;
  readonly cost?: number;
  readonly key?: string;
  readonly then?: (rs: RateSync<"api">) => Promise<unknown>;
  /** The end of the name of the key that counts; the main key where nothing is said. */
  readonly suffix?: string;
}

async function bytesOf({ options, calls = 1, cost = 1, key = KEY, then, suffix = "" }: Stored): Promise<number> {
  return await withLimiter(options, async (rs) => {
    for (let done = 0; done < calls; done++) assert.ok((await rs.tryAcquire("api", { key, cost })).allowed);
    await then?.(rs);
    const name = suffix === "" ? `rate_limit:api:${key}` : `{rate_limit:api:${key}}:${suffix}`;
    return Number(await raw.send("MEMORY", "USAGE", name, "SAMPLES", "0"));
  });
}

const holders = (count: number): Stored => ({
  options: { maxConcurrent: count },
  calls: 0,
  suffix: "leases",
  then: async (rs) => {
    for (let held = 0; held < count; held++) await rs.acquire("api", { key: KEY });
  },
});

const bucket = { ratePerSecond: 10, burst: 1_000 };
const exact = (limit: number): Stored => ({ options: { algorithm: "sliding_window", limit, windowMs: HOUR_MS } });

const STORED: Readonly<Record<string, Stored>> = {
  "token bucket, 10 a second": { options: bucket, calls: 20 },
  "token bucket, 3 a second": { options: { ratePerSecond: 3, burst: 1_000 }, calls: 20 },
  "token bucket, 12 345.67 a second": { options: { ratePerSecond: 12_345.67, burst: 100_000 }, cost: 90_000 },
  "token bucket, blocked": { options: bucket, then: (rs) => rs.block("api", 60_000, { key: KEY }) },
  "token bucket, after a refund": { options: bucket, calls: 20, then: (rs) => rs.refund("api", 1, { key: KEY }) },
  "two token buckets in one limiter": {
    options: { limits: [{ limit: 100, windowMs: HOUR_MS }, { limit: 500, windowMs: DAY_MS }] },
    calls: 20,
  },
  "`fixed_window`, up to 2 047 units in up to 3 days": {
    options: { algorithm: "fixed_window", limit: 2_047, windowMs: 3 * DAY_MS },
    cost: 2_047,
  },
  "`fixed_window`, more units or a longer window": {
    options: { algorithm: "fixed_window", limit: 2_048, windowMs: HOUR_MS },
    cost: 2_048,
  },
  "`sliding_window_counter`": { options: { algorithm: "sliding_window_counter", limit: 5_000, windowMs: HOUR_MS } },
  "`sliding_window`, 3 calls": { ...exact(5), calls: 3 },
  "`sliding_window`, 100 calls in the window": { ...exact(100), calls: 100 },
  "`sliding_window`, 1 000 calls in the window": { ...exact(1_000), calls: 1_000 },
  "`sliding_window`, 10 000 calls in the window": { ...exact(10_000), calls: 10_000 },
  "permits: leases of 3 holders": holders(3),
  "permits: leases of 20 holders": holders(20),
  "permits: 3 waiters": {
    options: { maxConcurrent: 1 },
    suffix: "waiters",
    then: async (rs) => {
      for (let waiting = 0; waiting < 3; waiting++) rs.acquire("api", { key: KEY }).catch(() => undefined);
      await until(async () => await server.command("ZCARD", `{rate_limit:api:${KEY}}:waiters`) === 3);
    },
  },
};

describe("docs/redis/keys_and_cost.md", () => {
  it("has a row of bytes for each kind that is measured, and no other", async () => {
    assert.deepEqual([...(await rowsOf("keys_and_cost.md", "bytes")).keys()], Object.keys(STORED));
  });

  for (const [what, stored] of Object.entries(STORED)) {
    it(`says how many bytes Redis needs for: ${what}`, async () => {
      const [said = 0] = (await rowsOf("keys_and_cost.md", "bytes")).get(what) ?? [];
      const bytes = await bytesOf(stored);
      // Names of processes and permits differ in length by a few bytes, and the allocator rounds up.
      const allowed = Math.max(rounding, what.startsWith("permits") ? 0.2 : 0);
      assert.ok(Math.abs(bytes - said) <= said * allowed, `the page says ${said} bytes, Redis ${bytes}`);
    });
  }

  it("says how many bytes a longer key costs", async () => {
    const page = await readFile("docs/redis/keys_and_cost.md", "utf8");
    const [, uuid, longest] =
      /with a UUID as the key, .*?(\d+) bytes; with a key of 200\s+characters,\s+(\d+)/s.exec(page) ?? [];
    for (const [key, said] of [["6ba7b810-9dad-11d1-80b4-00c04fd430c8", uuid], ["k".repeat(200), longest]] as const) {
      const bytes = await bytesOf({ options: bucket, calls: 20, key });
      assert.ok(Math.abs(bytes - Number(said)) <= bytes * rounding, `the page says ${said} bytes, Redis ${bytes}`);
    }
  });

  it("says how long keys of permits live", async () => {
    for (const [leaseTtlMs, least, most] of [[1_000, 50, 68], [15_000, 50, 68], [60_000, 60, 271]] as const) {
      await withLimiter({ maxConcurrent: 2, leaseTtlMs }, async (rs) => {
        const ttl = async () => Number(await raw.send("PTTL", "{rate_limit:api}:leases")) / 1_000;
        for (let used = 0; used < 3; used++) {
          await (await rs.acquire("api")).release();
          const seconds = await ttl();
          assert.ok(seconds >= least && seconds <= most, `${seconds} s for a lease of ${leaseTtlMs} ms`);
        }
      });
    }
  });
});

const RULES: Readonly<Record<string, LimiterOptions>> = {
  "token bucket": { limit: 1_000, windowMs: HOUR_MS },
  "fixed window": { algorithm: "fixed_window", limit: 1_000, windowMs: HOUR_MS },
  "sliding window counter": { algorithm: "sliding_window_counter", limit: 1_000, windowMs: HOUR_MS },
  "sliding window": { algorithm: "sliding_window", limit: 1_000, windowMs: HOUR_MS },
  "two token buckets": { limits: [{ limit: 1_000, windowMs: HOUR_MS }, { limit: 5_000, windowMs: DAY_MS }] },
  "permits": { maxConcurrent: 100 },
  "a rate and permits": { maxConcurrent: 100, limit: 1_000, windowMs: HOUR_MS },
  "four limits, one of them a sliding window": {
    limits: [
      { limit: 1_000, windowMs: HOUR_MS },
      { limit: 5_000, windowMs: DAY_MS },
      { algorithm: "fixed_window", limit: 5_000, windowMs: DAY_MS },
      { algorithm: "sliding_window", limit: 5_000, windowMs: DAY_MS },
    ],
  },
};

/** The µs that the script of reference takes where the page was measured. */
const REFERENCE_US = 430;

/**
 * Microseconds of each call of a command, as Redis says, or its processor time for each of them if that is less: what
 * else a busy machine does counts in the first and not in the second.
 */
async function usecOf(command: string, act: () => Promise<unknown>): Promise<number> {
  const cpuSeconds = async () => {
    const cpu = String(await raw.send("INFO", "cpu"));
    return ["user", "sys"].reduce((sum, of) => sum + Number(new RegExp(`used_cpu_${of}:([\\d.]+)`).exec(cpu)?.[1]), 0);
  };
  await raw.send("CONFIG", "RESETSTAT");
  const before = await cpuSeconds();
  await act();
  const cpuUs = (await cpuSeconds() - before) * 1_000_000;
  const stats = String(await raw.send("INFO", "commandstats"));
  const [, calls, usec] = new RegExp(`cmdstat_${command}:calls=(\\d+),usec=(\\d+)`).exec(stats) ?? [];
  return Math.min(Number(usec), cpuUs) / Number(calls);
}

/**
 * Microseconds that a script call takes with so many calls in flight, on a machine as fast as that of the page: as long
 * as a script of reference takes there and here.
 */
async function usecPerCall(options: LimiterOptions, inFlight: number): Promise<number> {
  return await withLimiter(options, async (rs) => {
    await rs.tryAcquire("api", { key: "first" });
    let left = inFlight === 1 ? 300 : 2_000;
    const usec = await usecOf("evalsha", () =>
      Promise.all(Array.from({ length: inFlight }, async () => {
        while (left-- > 0) await (await rs.tryAcquire("api", { key: `user:${left % 2_000}` })).permit?.release();
      })));
    const referenceUs = await usecOf("eval", async () => {
      for (let run = 0; run < 10; run++) await raw.send("EVAL", REFERENCE, "0");
    });
    return usec * REFERENCE_US / referenceUs;
  });
}

describe("docs/redis/operate.md", () => {
  /** Other programs of this machine take time from Redis. */
  const FACTOR = 5;

  for (const [limiter, options] of Object.entries(RULES)) {
    it(`says about what usec_per_call is for: ${limiter}`, async () => {
      const rows = await rowsOf("operate.md", "usec");
      assert.deepEqual([...rows.keys()], Object.keys(RULES));
      for (const [place, inFlight] of [1, 500].entries()) {
        const said = rows.get(limiter)?.[place] ?? 0;
        let measured = Infinity;
        for (let tried = 0; tried < 4 && measured >= said * FACTOR; tried++) {
          // On a busy machine, long commands may look like a connection that has fallen silent: measured again.
          measured = Math.min(measured, await usecPerCall(options, inFlight).catch(() => Infinity));
        }
        assert.ok(
          measured < said * FACTOR && measured > said / FACTOR,
          `with ${inFlight} in flight: the page says ${said} µs, Redis ${measured}`,
        );
      }
    });
  }
});
