/**
 * One process of the soak of NATS. Its argument is a `Load`, as JSON. It writes what it was allowed into a file, and sends
 * its parent a `Sample` every ten seconds, and a `LoadResult` at the end.
 *
 * @module
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, RateSyncError } from "../../mod.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { createNatsStore } from "../../src/stores/nats/mod.ts";
import type { StoreRequest } from "../../src/stores/store.ts";
import { UnitsFile } from "../soak/units_file.ts";
import { requestsOf, unitsOf } from "../soak_postgres/requests.ts";
import type { Load, LoadResult, Sample } from "./load.ts";

/** How often requests are made: many at a time, as in a process that handles several connections. */
const TICK_MS = 20;
const SAMPLE_MS = 10_000;
/** How many keys come in each ten seconds, and are asked for no more after that. */
const PASSING = 500;
/** Callers that wait for permits and hold them for a moment. */
const HOLDERS = 4;

const { url, perSecond, seed, ms, file }: Load = JSON.parse(process.argv[2] as string);
const errors: Record<string, number> = {};
const note = (error: unknown) => {
  const text = `${RateSyncError.is(error) ? error.code : "unknown"}: ${String(error).replace(/\d+/g, "N")}`;
  errors[text] = (errors[text] ?? 0) + 1;
};
const store = createNatsStore({ url }, { onError: note });
const rs = createRateSync({
  logger: false,
  stores: { shared: store },
  limiters: {
    permits: {
      maxConcurrent: 10,
      leaseTtlMs: 5_000,
      onStoreError: "throw",
      timeoutMs: 10_000,
      decisionTimeoutMs: 5_000,
    },
  },
});
const request = requestsOf(seed);
const passing = compilePolicy({ algorithm: "fixed_window", limit: 3, windowMs: 5_000 });
const units = new UnitsFile(file);
let [requests, answered, permits] = [0, 0, 0];

process.once("disconnect", () => process.exit()); // also where the command was interrupted
while (!await connected()) await sleep(500);
const endMs = performance.now() + ms;
const isOver = () => performance.now() >= endMs;
await Promise.all([load(), tell(), ...Array.from({ length: HOLDERS }, hold)]);
for (let waited = 0; answered < requests && waited < 20_000; waited += 10) await sleep(10);
const keys = units.close();
await rs.close();
await store.close();
const result: LoadResult = { kind: "result", requests, answered, permits, keys, errors };
process.send?.(result, () => process.disconnect());

async function connected(): Promise<boolean> {
  return await store.connect().then(() => true, (error) => {
    note(error);
    return false;
  });
}

async function load(): Promise<void> {
  for (let tick = 0; !isOver(); tick++) {
    for (let i = 0; i < perSecond * TICK_MS / 1_000; i++) void ask(i % 4 === 0 ? passingTake(tick + i) : request());
    await sleep(TICK_MS);
  }
}

async function ask(asked: StoreRequest): Promise<void> {
  requests++;
  try {
    for (const [key, us] of unitsOf(asked, await store.execute(asked))) {
      if (!key.startsWith("passing:")) units.add(key, us);
    }
  } catch (error) {
    note(error);
  }
  answered++;
}

function passingTake(number: number): StoreRequest {
  const key = `p${Math.floor(Date.now() / 10_000)}.${number * 7 % PASSING}`;
  const targets = [{ limiter: "passing", policy: passing, key, cost: 1, permits: 0 }];
  return { op: "take", targets, mode: "now", maxWaitUs: 0, id: "", arrivalUs: 0 };
}

async function hold(): Promise<void> {
  while (!isOver()) {
    try {
      const permit = await rs.acquire("permits");
      await sleep(20);
      await permit.release();
      permits++;
    } catch (error) {
      note(error);
      await sleep(100);
    }
  }
}

async function tell(): Promise<void> {
  const startMs = performance.now();
  for (let next = SAMPLE_MS; !isOver(); next += SAMPLE_MS) {
    while (performance.now() - startMs < next && !isOver()) await sleep(100);
    units.flush();
    (globalThis as { gc?: () => void }).gc?.();
    const { keyCount = 0 } = await store.check();
    const sample: Sample = { kind: "sample", heapMb: process.memoryUsage().heapUsed / 1e6, keys: keyCount };
    process.send?.(sample);
  }
}
