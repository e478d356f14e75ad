/**
 * What a decision costs in this process: `deno bench bench/`.
 *
 * @module
 */

import { createRateSync } from "@ratesync/core";

/** The one function of Deno that is needed: its types are not among Node's. */
declare const Deno: { bench(name: string, fn: () => Promise<void>): void };

const rs = createRateSync({
  limiters: {
    bucket: { ratePerSecond: 1_000_000, burst: 1_000_000 },
    window: { algorithm: "sliding_window", limit: 100, windowMs: 1_000 },
    counter: { algorithm: "sliding_window_counter", limit: 1_000_000, windowMs: 1_000 },
    fixed: { algorithm: "fixed_window", limit: 1_000_000, windowMs: 1_000 },
    slots: { maxConcurrent: 1_000 },
  },
});

for (const limiter of ["bucket", "window", "counter", "fixed"] as const) {
  Deno.bench(`tryAcquire, ${limiter}, one key`, async () => {
    await rs.tryAcquire(limiter, { key: "one" });
  });
}

let next = 0;
Deno.bench("tryAcquire, bucket, 100 000 keys", async () => {
  await rs.tryAcquire("bucket", { key: `user:${next++ % 100_000}` });
});

Deno.bench("acquire and release, slots", async () => {
  const permit = await rs.acquire("slots");
  await permit.release();
});
