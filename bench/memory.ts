/**
 * The store inside this process: how fast, and how large.
 *
 * @module
 */

import process from "node:process";
import { fileURLToPath } from "node:url";

import { createRateSync } from "@ratesync/core";

import { run } from "../scripts/_process.ts";
import { compare, paceOf, ratio } from "./_compare.ts";
import { type Contender, inFlight } from "./_load.ts";
import { userKeys } from "./_names.ts";
import { HOUR_MS, ROOMY } from "./_ours.ts";
import { openPeers } from "./_peers.ts";
import { type BenchContext, claim, figure, type Report, type Row } from "./_report.ts";

const OURS = "tryAcquire, token bucket";
const FLEXIBLE = "rate-limiter-flexible, RateLimiterMemory";
const EXPRESS = "express-rate-limit, MemoryStore";

/** Runs it. */
export async function memory({ quick }: BenchContext): Promise<Report> {
  const keys = userKeys(quick ? 100 : 100_000);
  const { contenders, notes } = await openPeers({
    [OURS]: () => Promise.resolve(embedded(keys)),
    [FLEXIBLE]: () => flexible(keys),
    [EXPRESS]: () => express(keys),
  });
  const pace = paceOf(quick, { warmUpMs: 1_000, roundMs: 250, rounds: 9 });
  const measured = await compare(contenders, pace);
  for (const contender of contenders) await contender.close();
  const named = (name: string) => measured.find((one) => one.name === name);

  const live = quick ? 20_000 : 200_000;
  const unknown: string[] = [];
  const heap = new Map<string, readonly [kept: number, made: number]>();
  for (const [name, subject] of [[OURS, "ours"], [FLEXIBLE, "flexible"], [EXPRESS, "express"]] as const) {
    const kept = await heapOfKey(subject, live, "kept");
    if (Number.isNaN(kept)) unknown.push(`${name}: its heap cannot be measured on this runtime`);
    heap.set(name, [kept, subject === "ours" ? await heapOfKey(subject, live, "made") : NaN]);
  }
  return {
    about:
      `Awaited calls, one at a time, ${figure(keys.length)} keys. Heap: ${
        figure(live)
      } live keys such as user:123456, where the ` +
      "caller keeps the same strings, and where only the store does.",
    rows: measured.map((one): Row => ({
      "in memory": one.name,
      "decisions/s": one.perSecond,
      "µs a decision": 1e6 / one.perSecond,
      "tryAcquire is faster by": ratio(named(OURS), one) ?? NaN,
      "heap bytes a key": heap.get(one.name)?.[0] ?? NaN,
      "with its string": heap.get(one.name)?.[1] ?? NaN,
    })),
    claims: [
      claim(
        { what: `memory store, against ${FLEXIBLE}`, better: "higher", unit: "x", must: 1.5, aim: 3 },
        ratio(named(OURS), named(FLEXIBLE)),
      ),
      claim(
        { what: "heap per live key, memory store", better: "lower", unit: " B", must: 150, aim: 90 },
        heap.get(OURS)?.[0],
      ),
      claim(
        { what: "heap per live key with the key's own string", better: "lower", unit: " B", must: 150, aim: 90 },
        heap.get(OURS)?.[1],
      ),
    ],
    notes: [...notes, ...unknown],
  };
}

function embedded(keys: readonly string[]): Contender {
  const rs = createRateSync({ limiters: { api: ROOMY } });
  return inFlight(OURS, {
    lanes: 1,
    call: (i) => rs.tryAcquire("api", { key: keys[i % keys.length] as string }),
    close: () => rs.close(),
  });
}

async function flexible(keys: readonly string[]): Promise<Contender> {
  const { RateLimiterMemory } = await import("rate-limiter-flexible");
  const limiter = new RateLimiterMemory({ points: 1_000, duration: HOUR_MS / 1_000 });
  return inFlight(FLEXIBLE, {
    lanes: 1,
    call: (i) => limiter.consume(keys[i % keys.length] as string).catch(() => undefined),
  });
}

async function express(keys: readonly string[]): Promise<Contender> {
  const { MemoryStore } = await import("express-rate-limit");
  const store = new MemoryStore();
  store.init({ windowMs: HOUR_MS } as Parameters<typeof store.init>[0]);
  return inFlight(EXPRESS, {
    lanes: 1,
    call: (i) => store.increment(keys[i % keys.length] as string),
    close: () => Promise.resolve(store.shutdown()),
  });
}

/** Measured in a process of its own, which holds nothing else. NaN where the runtime does not tell. */
async function heapOfKey(subject: string, count: number, strings: "kept" | "made"): Promise<number> {
  const worker = fileURLToPath(new URL(`./_heap_worker${import.meta.url.slice(-3)}`, import.meta.url));
  const { code, output } = await run(process.execPath, [...gcFlags(), worker, subject, String(count), strings], {
    limitMs: 60_000,
  });
  const size = Number(/^heap bytes a key: ([\d.]+)$/m.exec(output)?.[1] ?? NaN);
  if (code !== 0) throw new Error(`Cannot measure the heap of ${subject}: ${output}`);
  return size;
}

function gcFlags(): string[] {
  if ("deno" in process.versions) return ["run", "--allow-all", "--no-check", "--v8-flags=--expose-gc"];
  return ["--expose-gc"];
}
