/**
 * Workers that call a partner that allows ten requests in three seconds, and says so in its answers. They are configured
 * for twenty. The answers correct that, and no request is refused.
 *
 *     npx bun examples/outbound_workers.ts
 *
 * On Node: `npm run build`, then `node dist/examples/outbound_workers.js`.
 *
 * @module
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { createRateSync } from "@ratesync/core";
import { limitedFetch } from "@ratesync/core/outbound";

const startMs = performance.now();
const partner = startPartner();
await using rateSync = createRateSync({
  limiters: { partner: { limit: 20, windowMs: 3_000, burst: 2, maxConcurrent: 2 } },
});
const partnerFetch = limitedFetch(fetch, {
  rateSync,
  limiter: "partner",
  reserve: 2, // as many as may be under way: so none of those is refused either
  onThrottled: ({ status, waitMs, source }) => log(`all pause for ${Math.round(waitMs)} ms (${status}, ${source})`),
});

const orders = Array.from({ length: 24 }, (_, i) => i + 1);
await Promise.all(["anna", "bert", "cleo"].map(work));
partner.server.closeAllConnections();
partner.server.close();
log(`${partner.answered} answered, ${partner.refused} refused`);

async function work(name: string): Promise<void> {
  for (let order = orders.shift(); order !== undefined; order = orders.shift()) {
    const answer = await partnerFetch(`${partner.url}/orders/${order}`);
    log(`${name} has order ${order}: ${await answer.text()}`);
  }
}

/** A server with windows of three seconds. */
function startPartner() {
  const windowMs = 3_000;
  let [window, used] = [0, 0];
  const server = createServer((_request, response) => {
    const sinceMs = performance.now() - startMs;
    if (Math.floor(sinceMs / windowMs) > window) [window, used] = [Math.floor(sinceMs / windowMs), 0];
    const isRefused = used === 10;
    if (isRefused) state.refused++;
    else [used, state.answered] = [used + 1, state.answered + 1];
    const seconds = Math.ceil(((window + 1) * windowMs - sinceMs) / 1_000);
    response.writeHead(isRefused ? 429 : 200, { ratelimit: `"orders";r=${10 - used};t=${seconds}` });
    response.end(isRefused ? "too many requests" : `${10 - used} left`);
  }).listen(0, "127.0.0.1");
  const state = {
    server,
    answered: 0,
    refused: 0,
    get url(): string {
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
  };
  return state;
}

function log(text: string): void {
  console.log(`${String(Math.round(performance.now() - startMs)).padStart(5)} ms  ${text}`);
}
