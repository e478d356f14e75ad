/**
 * Koa, where a request waits up to a second before it is denied.
 *
 *     npx bun examples/http/koa.ts
 *     for i in $(seq 9); do curl -s -w ' %{http_code} %{time_total} s\n' http://127.0.0.1:3000/ & done; wait
 *
 * On Node: `npm run build`, then `node dist/examples/http/koa.js`.
 *
 * @module
 */

import process from "node:process";

import { createRateSync } from "@ratesync/core";
import { rateLimit, type RateLimitState } from "@ratesync/core/http/koa";
import Koa from "koa";

const rateSync = createRateSync({ limiters: { api: { ratePerSecond: 4, burst: 2 } } });

const app = new Koa<RateLimitState>();
app.use(rateLimit({ limiter: "api", rateSync, waitMs: 1_000 }));
app.use((context) => void (context.body = { left: context.state.rateLimit.decision?.remaining }));

const port = Number(process.env["PORT"] ?? 3000);
app.listen(port, "127.0.0.1", () => {
  console.log(
    `Try: for i in $(seq 9); do curl -s -w ' %{http_code} %{time_total} s\\n' http://127.0.0.1:${port}/ & done; wait`,
  );
});
