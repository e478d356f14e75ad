/**
 * Fastify, with a limit for everything, a stricter one for a route, and a route without any.
 *
 *     npx bun examples/http/fastify.ts
 *     for i in $(seq 4); do curl -i http://127.0.0.1:3000/search; done
 *
 * On Node: `npm run build`, then `node dist/examples/http/fastify.js`.
 *
 * @module
 */

import process from "node:process";

import { createRateSync } from "@ratesync/core";
import { admissionOf, rateLimit } from "@ratesync/core/http/fastify";
import Fastify from "fastify";

const rateSync = createRateSync({
  limiters: {
    api: { algorithm: "sliding_window", limit: 20, windowMs: 10_000 },
    search: { ratePerSecond: 1, burst: 2 },
  },
});

const app = Fastify();
await app.register(rateLimit, { limiter: "api", rateSync });
app.get("/", (request) => ({ left: admissionOf(request)?.decision?.remaining }));
app.get("/search", { config: { rateLimit: { limiter: "search" } } }, () => ({ found: [] }));
app.get("/health", { config: { rateLimit: false } }, () => ({ ok: true }));

const port = Number(process.env["PORT"] ?? 3000);
await app.listen({ port, host: "127.0.0.1" });
console.log(`Try: for i in $(seq 4); do curl -i http://127.0.0.1:${port}/search; done`);
