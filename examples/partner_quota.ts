/**
 * Workers that share the quota of a partner, four calls a second. They wait in order of arrival. One has no time and is
 * told so at once; one changes its mind, and those behind it move up.
 *
 *     npx bun examples/partner_quota.ts
 *
 * On Node: `npm run build`, then `node dist/examples/partner_quota.js`.
 *
 * @module
 */

import { createRateSync, RateLimitedError } from "@ratesync/core";

await using rs = createRateSync({ limiters: { partner: { ratePerSecond: 4 } } });

const startMs = performance.now();
const stop = new AbortController();
setTimeout(() => stop.abort(new Error("the order was cancelled")), 300);

await Promise.all([
  work("1"),
  work("2"),
  work("3"),
  work("4, which is cancelled after 300 ms", { signal: stop.signal }),
  work("5, who moves up"),
  work("6, who moves up"),
  work("7, with a timeout of 500 ms", { timeoutMs: 500 }), // it would start in 1 500 ms: it fails now, not in 500 ms
]);

async function work(name: string, options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<void> {
  try {
    await rs.acquire("partner", options);
    log(`worker ${name}: calls the partner`);
  } catch (error) {
    if (error instanceof RateLimitedError) log(`worker ${name}: no, not before ${Math.ceil(error.retryAfterMs)} ms`);
    else log(`worker ${name}: ${(error as Error).message}`);
  }
}

function log(text: string): void {
  console.log(`${String(Math.round(performance.now() - startMs)).padStart(4)} ms  ${text}`);
}
