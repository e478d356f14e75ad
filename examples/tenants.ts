/**
 * Fairness: the whole service can do ten jobs at once, and a tenant at most four of them. Calls that wait stand in the
 * queue of their tenant, so that other tenants pass.
 *
 *     npx bun examples/tenants.ts
 *     for i in $(seq 9); do curl -s -H 'X-Tenant: loud' http://127.0.0.1:3000/ & done; curl -s -H 'X-Tenant: quiet' http://127.0.0.1:3000/; wait
 *
 * On Node: `npm run build`, then `node dist/examples/tenants.js`.
 *
 * @module
 */

import { createServer } from "node:http";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync } from "@ratesync/core";
import { byHeader } from "@ratesync/core/http";
import { guardHandler } from "@ratesync/core/http/node";

const rateSync = createRateSync({
  limiters: { service: { maxConcurrent: 10 }, tenant: { maxConcurrent: 4 } },
});

const startMs = performance.now();
const port = Number(process.env["PORT"] ?? 3000);
createServer(guardHandler(
  async (request, response) => {
    await sleep(200); // the work
    response.end(
      `${String(request.headers["x-tenant"]).padEnd(5)} after ${Math.round(performance.now() - startMs)} ms\n`,
    );
  },
  {
    rateSync,
    limiter: [{ limiter: "tenant", key: byHeader("X-Tenant") }, { limiter: "service", key: false }],
    waitMs: 2_000,
  },
)).listen(port, "127.0.0.1", () => {
  const [loud, quiet] = ["loud", "quiet"].map((tenant) => `curl -s -H 'X-Tenant: ${tenant}' http://127.0.0.1:${port}/`);
  console.log(`Try: for i in $(seq 9); do ${loud} & done; ${quiet}; wait`);
});
