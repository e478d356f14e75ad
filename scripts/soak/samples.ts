/**
 * Counts of everything in quiet moments, and whether anything grew from the first to the last.
 *
 * @module
 */

import { readdirSync } from "node:fs";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import type { RedisProcess } from "../../tests/stores/redis/_servers.ts";
import { type Allowed, growthBetween, thirds } from "./growth.ts";
import type { Place } from "./places.ts";

/** One count of everything. */
export interface Sample {
  /** When, since the beginning. */
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

const collect = (globalThis as { gc?: () => void }).gc;

/** Counts. */
export async function sample(places: readonly Place[], second: number): Promise<Sample> {
  for (let i = 0; i < 3; i++) {
    collect?.();
    await sleep(10);
  }
  const primaries = (await Promise.all(places.map((place) => place.primaries()))).flat();
  const kept = await Promise.all(primaries.map(keptBy));
  const connections = await Promise.all(places.flatMap(({ servers }) => servers).map(connectionsTo));
  const held = places.map(({ rs }) => rs.metrics("slot").currentConcurrent);
  return {
    second,
    heapMb: process.memoryUsage().heapUsed / 1e6,
    handles: process.getActiveResourcesInfo().length,
    files: filesOpen(),
    connections: sum(connections),
    keys: sum(kept.map(({ keys }) => keys)),
    slots: sum(held) + sum(kept.map(({ leases }) => leases)),
    waiters: sum(kept.map(({ waiters }) => waiters)),
    listeners: process.listenerCount("unhandledRejection") + process.listenerCount("exit"),
  };
}

/** What may grow, and how far. */
const ALLOWED: Allowed<Sample> = {
  heapMb: (before) => before * 1.3 + 5,
  handles: (before) => before + 3,
  files: (before) => before + 3,
  connections: (before) => before + 1,
  keys: (before) => before * 1.5 + 50,
  slots: () => 0,
  waiters: () => 0,
  listeners: (before) => before,
};

/** What has grown between the first third and the last. */
export function growthIn(samples: readonly Sample[]): string[] {
  if (samples.length < 6) return [];
  const [first, , last] = thirds(samples);
  return growthBetween(first, last, ALLOWED);
}

/** A row of the table. */
export function rowOf(sample: Sample): string {
  const cells = Object.values(sample).map((value: number) => Number.isInteger(value) ? value : value.toFixed(1));
  return `| ${cells.join(" | ")} |`;
}

/** The table. */
export function tableOf(samples: readonly Sample[]): string {
  const [first] = samples;
  if (first === undefined) return "";
  const titles = Object.keys(first);
  return [`| ${titles.join(" | ")} |`, `|${" --- |".repeat(titles.length)}`, ...samples.map(rowOf)].join("\n");
}

async function keptBy(server: RedisProcess): Promise<{ keys: number; leases: number; waiters: number }> {
  const names = await server.command("KEYS", "*") as string[];
  const [seconds, us] = await server.command("TIME") as [string, string];
  const count = async (suffix: string, from: string) => {
    let members = 0;
    for (const name of names.filter((key) => key.endsWith(suffix))) {
      members += Number(await server.command("ZCOUNT", name, from, "+inf"));
    }
    return members;
  };
  return {
    keys: names.length,
    leases: await count(":leases", `(${seconds}${us.padStart(6, "0")}`),
    waiters: await count(":waiters", "-inf"),
  };
}

async function connectionsTo(server: RedisProcess): Promise<number> {
  return String(await server.command("CLIENT", "LIST")).split("name=ratesync ").length - 1;
}

function filesOpen(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0; // not on this system
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
