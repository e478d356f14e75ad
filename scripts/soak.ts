/**
 * Load over kills, restarts and failovers, for minutes: shows that nothing grows. Not a part of CI.
 *
 *     npm run soak         ten minutes
 *     npm run soak -- 3    three
 *
 * A Redis and a cluster of its own are harmed in every way in turn, while callers take rates and hold slots. In a quiet
 * moment after each round, it counts what is there. It ends with a table, and with code 1 if anything grew.
 *
 * @module
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import type { RateSync } from "@ratesync/core";

import { until } from "../tests/stores/redis/_servers.ts";
import { type Ids, LEASE_TTL_MS, onCluster, onOneRedis, type Place } from "./soak/places.ts";
import { growthIn, rowOf, type Sample, sample, tableOf } from "./soak/samples.ts";

/** How many callers each place has. */
const LANES = 40;

/** How many keys they ask about. */
const KEYS = 2_000;

process.exitCode = await main(Number(process.argv[2] ?? "10"));

async function main(minutes: number): Promise<number> {
  if (!(minutes > 0)) throw new RangeError(`Cannot soak: minutes must be a number above 0, received ${minutes}`);
  await using one = await onOneRedis();
  await using cluster = await onCluster();
  const places: readonly Place[] = [one, cluster];
  for (const { rs } of places) await rs.connect();
  const unhandled: unknown[] = [];
  process.on("unhandledRejection", (reason) => unhandled.push(reason));

  const samples: Sample[] = [];
  const startMs = performance.now();
  const second = () => Math.round((performance.now() - startMs) / 1_000);
  let decisions = 0;
  for (let round = 0; performance.now() - startMs < minutes * 60_000; round++) {
    const made = await Promise.all(places.map((place) => loadOver(place, round)));
    for (const count of made) decisions += count;
    await sleep(LEASE_TTL_MS + 500); // leases of calls that Redis has not heard of end, and short-lived keys
    samples.push(await sample(places, second()));
    console.log(rowOf(samples.at(-1) as Sample));
  }

  const problems = growthIn(samples);
  if (unhandled.length > 0) problems.push(`${unhandled.length} unhandled rejections: ${unhandled[0]}`);
  const outages = places.map(({ rs }) => rs.listStores()["main"]?.outages).join(" + ");
  console.log(`\n${decisions} decisions, ${outages} outages, ${samples.length} rounds in ${second()} s\n`);
  console.log(tableOf(samples));
  for (const problem of problems) console.error(`FAILED: ${problem}`);
  return problems.length === 0 ? 0 : 1;
}

/** Calls before, through and after what happens in a round. Tells how many decisions were made. */
async function loadOver({ rs, harm }: Place, round: number): Promise<number> {
  let decisions = 0;
  let isOver = false;
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    for (let i = lane; !isOver; i += LANES) {
      const made = await callOnce(rs, i);
      decisions += made; // not in one: it would be read before the wait
    }
  });
  await sleep(1_000);
  await harm(round);
  await sleep(1_000);
  isOver = true;
  await Promise.all(lanes);
  await until(async () => !(await rs.peek("rate")).degraded, 10_000);
  return decisions;
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
