/**
 * Elysia on Bun, five requests in ten seconds for each address.
 *
 *     bun examples/http/elysia.ts
 *     for i in $(seq 7); do curl -i http://127.0.0.1:3000/; done
 *
 * @module
 */

import process from "node:process";

import { createRateSync } from "@ratesync/core";
import { admissionOf, rateLimit } from "@ratesync/core/http/elysia";
import { Elysia } from "elysia";

const rateSync = createRateSync({
  limiters: { api: { algorithm: "sliding_window", limit: 5, windowMs: 10_000 } },
});

const port = Number(process.env["PORT"] ?? 3000);
new Elysia()
  .use(rateLimit({ limiter: "api", rateSync }))
  .get("/", ({ request }) => ({ left: admissionOf(request)?.decision?.remaining }))
  .listen({ port, hostname: "127.0.0.1" });
console.log(`Try: for i in $(seq 7); do curl -i http://127.0.0.1:${port}/; done`);
