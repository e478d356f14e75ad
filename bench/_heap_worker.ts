/**
 * Fills a store inside this process with live keys and tells what each takes. Its arguments: whose store, how many
 * keys, and whether the caller keeps the keys' strings too.
 *
 * @module
 */

import process from "node:process";

import { createRateSync } from "@ratesync/core";

import { HOUR_MS } from "./_ours.ts";

/** A unit comes back after minutes: every key stays alive. */
const LASTING = { limit: 10, windowMs: HOUR_MS };

const [subject = "", count = "0", strings = "kept"] = process.argv.slice(2);
const size = Number(count);
const collect = (globalThis as { gc?: () => void }).gc;

const take = await open();
for (let i = 0; i < 2_000; i++) await take(`warm:${i}`);
const kept = strings === "kept" ? Array.from({ length: size }, (_, i) => nameOf(i)) : [];
const before = heapUsed();
for (let i = 0; i < size; i++) await take(kept[i] ?? nameOf(i));
const after = heapUsed();
if (collect !== undefined) console.log(`heap bytes a key: ${(after - before) / size}`);
await take(kept[0] ?? nameOf(0)); // the store and the strings live until here
process.exit(0);

/** A key as one piece, as a request brings it: text that was put together stays in pieces until it is needed whole. */
function nameOf(i: number): string {
  return new TextDecoder().decode(new TextEncoder().encode(`user:${100_000 + i}`));
}

function heapUsed(): number {
  for (let i = 0; i < 4; i++) collect?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers; // the numbers in typed arrays lie beside the heap
}

async function open(): Promise<(key: string) => Promise<unknown>> {
  switch (subject) {
    case "ours": {
      const rs = createRateSync({ limiters: { api: LASTING } });
      return (key) => rs.tryAcquire("api", { key });
    }
    case "flexible": {
      const { RateLimiterMemory } = await import("rate-limiter-flexible");
      const limiter = new RateLimiterMemory({ points: LASTING.limit, duration: HOUR_MS / 1_000 });
      return (key) => limiter.consume(key);
    }
    case "express": {
      const { MemoryStore } = await import("express-rate-limit");
      const store = new MemoryStore();
      store.init({ windowMs: HOUR_MS } as Parameters<typeof store.init>[0]);
      return (key) => Promise.resolve(store.increment(key));
    }
  }
  throw new Error(`Cannot fill a store: expected ours, flexible or express, received ${subject}`);
}
