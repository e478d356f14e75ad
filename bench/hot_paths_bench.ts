/**
 * The steps of a decision, one by one, and many decisions at once: `deno bench --no-check -A bench/`. Those over Redis
 * run where RATESYNC_TEST_REDIS_URL names one whose data may be thrown away.
 *
 * @module
 */

import process from "node:process";

import { createRateSync } from "@ratesync/core";

import { kernelOf } from "../src/algorithms/kernels.ts";
import { compilePolicy } from "../src/policy/compile_policy.ts";

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

const keys = Array.from({ length: BATCH }, (_, i) => `user:${i}`);
const roomy = { limit: 1_000_000, windowMs: HOUR_MS };
const memory = createRateSync({ limiters: { api: roomy } });
Deno.bench(`memory store: ${BATCH} keys at once`, async () => {
  await Promise.all(keys.map((key) => memory.tryAcquire("api", { key })));
});

const url = process.env["RATESYNC_TEST_REDIS_URL"];
if (url !== undefined) {
  const redis = createRateSync({
    stores: { shared: { engine: "redis", url, keyPrefix: "bench" } },
    limiters: { api: { ...roomy, onStoreError: "throw" } },
  });
  Deno.bench(`Redis store: ${BATCH} keys at once`, async () => {
    await Promise.all(keys.map((key) => redis.tryAcquire("api", { key })));
  });
  Deno.bench(`Redis store: one key ${BATCH} times at once`, async () => {
    await Promise.all(keys.map(() => redis.tryAcquire("api", { key: "hot" })));
  });
}

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
