/**
 * The steps of a decision, one by one: `deno bench --no-check -A bench/`.
 *
 * @module
 */

import { createRateSync, MemoryStore, StoreError, type StoreRequest } from "@ratesync/core";
import { type RedisConnection, RedisStore } from "@ratesync/core/redis";

import { kernelOf } from "../src/algorithms/mod.ts";
import { compilePolicy } from "../src/policy/policy.ts";

/** The one function of Deno that is needed: its types are not among Node's. */
declare const Deno: { bench(name: string, fn: () => unknown): void };

const BATCH = 256;
const HOUR_MS = 3_600_000;
const policy = compilePolicy({ limit: 1_000_000_000, windowMs: HOUR_MS });
const [limit] = policy.rates;
if (limit === undefined) throw new Error("Cannot measure a kernel without a limit");

const kernel = kernelOf(limit);
let state = kernel.fresh();
let nowUs = 1_767_225_600_000_000;
Deno.bench("kernel, token bucket: earliest and take", () => {
  nowUs += 10;
  const atUs = kernel.earliest(state, nowUs, 1, limit);
  state = kernel.take(state, nowUs, atUs, 1, limit);
});

const batch = Array.from({ length: BATCH }, (_, i): StoreRequest => ({
  op: "take",
  mode: "now",
  maxWaitUs: 0,
  arrivalUs: 0,
  id: `x.1.d.0.0.${i}`,
  targets: [{ limiter: "api", key: `user:${i}`, policy, cost: 1, slots: 0 }],
}));

const memory = new MemoryStore();
Deno.bench(`memory store: ${BATCH} takes at once`, async () => {
  await memory.execute(batch);
});

/** Refuses everything, so that what is left is the way to the wire. */
const refusing: RedisConnection = {
  run: () => Promise.reject(new StoreError("STORE_REFUSED", "Cannot run a script here")),
  subscribe: () => Promise.resolve(),
  deleteByPrefix: () => Promise.resolve(0),
  connect: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
const redis = new RedisStore(refusing);
Deno.bench(`Redis store: ${BATCH} takes made into a call that is refused`, async () => {
  await redis.execute(batch).catch(() => {});
});

const rs = createRateSync({
  limiters: { used: { limit: 1, windowMs: HOUR_MS }, free: { limit: 1_000, windowMs: 1_000 } },
});
await rs.tryAcquire("used");
const denied = await rs.tryAcquire("used");

Deno.bench("tryAcquire, denied, one key", async () => {
  await rs.tryAcquire("used");
});
Deno.bench("peek, one key", async () => {
  await rs.peek("free");
});
Deno.bench("headers of a decision", () => denied.headers());
