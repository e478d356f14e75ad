/**
 * Load over kills and restarts, for minutes: shows that nothing grows. Not a part of CI.
 *
 *     npm run soak         ten minutes
 *     npm run soak -- 3    three
 *
 * A Redis of its own is killed, paused, flushed of scripts and cut off in turn, while callers take rates and hold slots.
 * Every few seconds, in a quiet moment, it counts what is there. It ends with a table, and with code 1 if anything grew.
 *
 * @module
 */

import { readdirSync } from "node:fs";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type RateSync } from "@ratesync/core";

import { type RedisProcess, startRedis, until } from "../tests/stores/redis/_servers.ts";

/** One count of everything. */
interface Sample {
  readonly second: number;
  readonly heapMb: number;
  readonly handles: number;
  readonly files: number;
  readonly connections: number;
  readonly keys: number;
  readonly slots: number;
  readonly waiters: number;
  readonly listeners: number;
}

type Ids = "rate" | "window" | "slot";

const LANES = 40;
const KEYS = 2_000;
/** A slot of this limiter ends by itself so long after its holder has gone. */
const LEASE_TTL_MS = 2_000;
const collect = (globalThis as { gc?: () => void }).gc;

process.exitCode = await main(Number(process.argv[2] ?? "10"));

async function main(minutes: number): Promise<number> {
  if (!(minutes > 0)) throw new RangeError(`Cannot soak: minutes must be a number above 0, received ${minutes}`);
  await using server = await startRedis();
  await using rs = createRateSync<Ids>({
    stores: {
      main: { engine: "redis", url: server.url, socketTimeoutMs: 2_000, decisionTimeoutMs: 500, localShare: 0.5 },
    },
    limiters: {
      rate: { ratePerSecond: 1_000, burst: 1_000 },
      window: { algorithm: "sliding_window", limit: 20, windowMs: 2_000 },
      slot: { maxConcurrent: 5, leaseTtlMs: LEASE_TTL_MS, timeoutMs: 1_000 },
    },
  });
  await rs.connect();
  const unhandled: unknown[] = [];
  process.on("unhandledRejection", (reason) => unhandled.push(reason));
  const samples: Sample[] = [];
  const startMs = performance.now();
  const second = () => Math.round((performance.now() - startMs) / 1_000);
  let decisions = 0;
  for (let round = 0; performance.now() - startMs < minutes * 60_000; round++) {
    let isOver = false;
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      for (let i = lane; !isOver; i += LANES) {
        const made = await callOnce(rs, i);
        decisions += made; // not in one: it would be read before the wait
      }
    });
    await harm(server, round);
    isOver = true;
    await Promise.all(lanes);
    await until(async () => !(await rs.peek("rate")).degraded, 10_000);
    await sleep(LEASE_TTL_MS + 500); // leases of calls that Redis has not heard of end, and short-lived keys
    samples.push(await sample(rs, server, second()));
    console.log(lineOf(samples.at(-1) as Sample));
  }
  const problems = judge(samples);
  if (unhandled.length > 0) problems.push(`${unhandled.length} rejections that nobody heard of: ${unhandled[0]}`);
  const { outages } = rs.listStores()["main"] ?? {};
  console.log(`\n${decisions} decisions, ${outages} outages, ${samples.length} rounds in ${second()} s\n`);
  console.log(tableOf(samples));
  for (const problem of problems) console.error(`FAILED: ${problem}`);
  return problems.length === 0 ? 0 : 1;
}

async function callOnce(rs: RateSync<Ids>, i: number): Promise<number> {
  await rs.tryAcquire("rate");
  await rs.tryAcquire("window", { key: `user:${i % KEYS}` });
  if (i % 7 === 0) {
    try {
      await using _permit = await rs.acquire("slot", { key: `job:${i % 3}` });
      await sleep(3);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "RATE_LIMITED") throw error;
    }
  }
  await sleep(1);
  return 2;
}

/** What happens to the server in a round. */
async function harm(server: RedisProcess, round: number): Promise<void> {
  await sleep(1_000);
  switch (round % 4) {
    case 0:
      await server.stop();
      await sleep(500);
      await server.start();
      break;
    case 1:
      server.signal("SIGSTOP");
      await sleep(1_200);
      server.signal("SIGCONT");
      break;
    case 2:
      await server.command("CLIENT", "KILL", "TYPE", "normal");
      await server.command("CLIENT", "KILL", "TYPE", "pubsub");
      break;
    default:
      await server.command("SCRIPT", "FLUSH");
  }
  await sleep(1_000);
}

async function sample(rs: RateSync<Ids>, server: RedisProcess, second: number): Promise<Sample> {
  for (let i = 0; i < 3; i++) {
    collect?.();
    await sleep(10);
  }
  const names = (await server.command("KEYS", "*")) as string[];
  const [seconds, us] = (await server.command("TIME")) as [string, string];
  const count = async (suffix: string, from: string) => {
    let members = 0;
    for (const name of names.filter((key) => key.endsWith(suffix))) {
      members += Number(await server.command("ZCOUNT", name, from, "+inf"));
    }
    return members;
  };
  return {
    second,
    heapMb: process.memoryUsage().heapUsed / 1e6,
    handles: process.getActiveResourcesInfo().length,
    files: filesOpen(),
    connections: String(await server.command("CLIENT", "LIST")).split("name=ratesync ").length - 1,
    keys: names.length,
    slots: rs.metrics("slot").currentConcurrent + await count(":leases", `(${seconds}${us.padStart(6, "0")}`),
    waiters: await count(":waiters", "-inf"),
    listeners: process.listenerCount("unhandledRejection") + process.listenerCount("exit"),
  };
}

function filesOpen(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0; // not on this system
  }
}

/** What has grown between the first third and the last. */
function judge(samples: readonly Sample[]): string[] {
  if (samples.length < 6) return [];
  const third = Math.floor(samples.length / 3);
  const most = (part: readonly Sample[], name: keyof Sample) => Math.max(...part.map((one) => one[name]));
  const [early, late] = [samples.slice(0, third), samples.slice(-third)];
  const allowed: Readonly<Partial<Record<keyof Sample, (before: number) => number>>> = {
    heapMb: (before) => before * 1.3 + 5,
    handles: (before) => before + 3,
    files: (before) => before + 3,
    connections: (before) => before + 1,
    keys: (before) => before * 1.5 + 50,
    slots: () => 0,
    waiters: () => 0,
    listeners: (before) => before,
  };
  return Object.entries(allowed).flatMap(([name, limit]) => {
    const [before, after] = [most(early, name as keyof Sample), most(late, name as keyof Sample)];
    return after <= limit(before) ? [] : [`${name} grew from ${before} to ${after}`];
  });
}

function lineOf(sample: Sample): string {
  const cells = Object.values(sample).map((value: number) => Number.isInteger(value) ? value : value.toFixed(1));
  return `| ${cells.join(" | ")} |`;
}

function tableOf(samples: readonly Sample[]): string {
  const [first] = samples;
  if (first === undefined) return "";
  const titles = Object.keys(first);
  return [`| ${titles.join(" | ")} |`, `|${" --- |".repeat(titles.length)}`, ...samples.map(lineOf)].join("\n");
}
