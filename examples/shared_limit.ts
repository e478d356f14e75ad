/**
 * Two processes, one limit. Each makes fifteen calls, one after the other, through a limiter of five a second, and prints
 * when each starts: alone, one every 200 ms. Run it in two terminals at the same time: they take turns, and together
 * they still start five a second.
 *
 *     REDIS_URL=redis://localhost:6379 npx bun examples/shared_limit.ts
 *
 * On Node: `npm run build`, then `REDIS_URL=... node dist/examples/shared_limit.js`.
 * Without REDIS_URL each process keeps the limit for itself, in memory.
 *
 * @module
 */

import process from "node:process";

import { createRateSync } from "@ratesync/core";

const url = process.env["REDIS_URL"];
console.log(url ? "The limit is in Redis: every process shares it." : "No REDIS_URL: the limit is this process's own.");

await using rs = createRateSync({
  stores: { shared: url ? { engine: "redis", url } : { engine: "memory" } },
  limiters: { demo: { ratePerSecond: 5, onStoreError: "throw" } },
});

for (let call = 1; call <= 15; call++) {
  const { waitedMs } = await rs.acquire("demo"); // Redis says when it may start; it sleeps until then
  console.log(`${new Date().toISOString().slice(14, 23)}  call ${call} starts after ${Math.round(waitedMs)} ms`);
}
