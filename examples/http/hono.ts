/**
 * Hono on Node, limited by a header that names the user, and by address where there is none.
 *
 *     npx bun examples/http/hono.ts
 *     for i in $(seq 7); do curl -i -H 'X-User: ada' http://127.0.0.1:3000/; done
 *
 * On Node: `npm run build`, then `node dist/examples/http/hono.js`. On Deno and Bun, hand `app.fetch` to their own server.
 *
 * @module
 */

import process from "node:process";

import { serve } from "@hono/node-server";
import { createRateSync } from "@ratesync/core";
import { byHeader, byIp, firstOf } from "@ratesync/core/http";
import { rateLimit, type RateLimitVariables } from "@ratesync/core/http/hono";
import { Hono } from "hono";

const rateSync = createRateSync({
  limiters: { api: { algorithm: "sliding_window", limit: 5, windowMs: 10_000 } },
});

const app = new Hono<{ Variables: RateLimitVariables }>();
app.use(rateLimit({ limiter: "api", rateSync, key: firstOf(byHeader("X-User"), byIp()) }));
app.get("/", (context) => context.json({ left: context.get("rateLimit").decision?.remaining }));

const port = Number(process.env["PORT"] ?? 3000);
serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, () => {
  console.log(`Try: for i in $(seq 7); do curl -i -H 'X-User: ada' http://127.0.0.1:${port}/; done`);
});
