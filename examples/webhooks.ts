/**
 * Delivery of webhooks: each receiver has its own limit. The program pauses a busy receiver for as long as it asks. A
 * receiver that is down costs a few attempts, and does not delay the others.
 *
 *     npx bun examples/webhooks.ts
 *
 * On Node: `npm run build`, then `node dist/examples/webhooks.js`.
 *
 * @module
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { createRateSync } from "@ratesync/core";
import { limitedFetch } from "@ratesync/core/outbound";

const startMs = performance.now();
const receivers = startReceivers();
await using rateSync = createRateSync({
  limiters: { webhooks: { ratePerSecond: 5, burst: 2, maxConcurrent: 2 } },
});
const deliver = limitedFetch(fetch, {
  rateSync,
  limiter: "webhooks",
  key: ({ url }) => `${url.host}${url.pathname}`,
  timeoutMs: 10_000,
  maxRetries: 3,
  retryNetworkErrors: true,
  backoffMs: 200,
  onThrottled: ({ key, status, waitMs, source, attempt }) =>
    log(`${key} pauses for ${Math.round(waitMs)} ms after attempt ${attempt} (${status}, ${source})`),
});

await Promise.all(["/swift", "/busy", "/down"].flatMap((path) => [1, 2, 3].map((event) => send(path, event))));
receivers.closeAllConnections();
receivers.close();

async function send(path: string, event: number): Promise<void> {
  const { port } = receivers.address() as AddressInfo;
  const id = `${path.slice(1)}-${event}`;
  const answer = await deliver(`http://127.0.0.1:${port}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": id }, // so it may be sent again
    body: JSON.stringify({ id }),
    signal: AbortSignal.timeout(15_000),
  });
  await answer.body?.cancel();
  log(answer.ok ? `${id} is delivered` : `${id} is put aside for later: ${answer.status}`);
}

/** One who takes everything, one who is busy at first, and one who is down. */
function startReceivers() {
  let refusals = 2;
  return createServer((request, response) => {
    if (request.url === "/down") response.writeHead(503);
    else if (request.url === "/busy" && refusals-- > 0) response.writeHead(429, { "retry-after": "1" });
    response.end();
  }).listen(0, "127.0.0.1");
}

function log(text: string): void {
  console.log(`${String(Math.round(performance.now() - startMs)).padStart(5)} ms  ${text}`);
}
