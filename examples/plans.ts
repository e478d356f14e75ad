/**
 * Tiers: what a customer may do depends on the plan, and an export costs as much as ten other calls. Each plan is a
 * limiter; which one is asked is decided for each request by its cost: 0 asks nothing.
 *
 *     npx bun examples/plans.ts
 *     for i in $(seq 7); do curl -i -H 'Authorization: Bearer free-1' http://127.0.0.1:3000/; done
 *     for i in $(seq 7); do curl -i -H 'Authorization: Bearer pro-1' http://127.0.0.1:3000/export; done
 *
 * On Node: `npm run build`, then `node dist/examples/plans.js`.
 *
 * @module
 */

import { createServer, type IncomingMessage } from "node:http";
import process from "node:process";

import { createRateSync } from "@ratesync/core";
import { byApiKey, byIp, firstOf, type GuardedRequest } from "@ratesync/core/http";
import { guardHandler } from "@ratesync/core/http/node";

const PLANS = ["free", "pro"] as const;

const rateSync = createRateSync({
  limiters: {
    free: { algorithm: "sliding_window", limit: 5, windowMs: 60_000 },
    pro: { algorithm: "sliding_window", limit: 50, windowMs: 60_000 },
  },
});

/** Stands for a look into the database. */
function planOf(apiKey: string | undefined): string {
  return apiKey?.startsWith("pro-") ? "pro" : "free";
}

function costOf({ path }: GuardedRequest<IncomingMessage>): number {
  return path === "/export" ? 10 : 1;
}

const port = Number(process.env["PORT"] ?? 3000);
const key = firstOf(byApiKey(), byIp());
createServer(guardHandler((_request: IncomingMessage, response) => response.end("hello\n"), {
  rateSync,
  limiter: PLANS.map((plan) => ({
    limiter: plan,
    key,
    cost: (request) => planOf(request.header("authorization")?.replace(/^Bearer /i, "")) === plan ? costOf(request) : 0,
  })),
})).listen(port, "127.0.0.1", () => {
  console.log(`Try: for i in $(seq 7); do curl -i -H 'Authorization: Bearer free-1' http://127.0.0.1:${port}/; done`);
});
