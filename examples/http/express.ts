/**
 * Express, with a limit for everything and a stricter one for logins, of which only failures count.
 *
 *     npx bun examples/http/express.ts
 *     for i in $(seq 5); do curl -i -X POST http://127.0.0.1:3000/login; done
 *
 * On Node: `npm run build`, then `node dist/examples/http/express.js`.
 *
 * @module
 */

import process from "node:process";

import { createRateSync } from "@ratesync/core";
import { failuresOnly } from "@ratesync/core/http";
import { admissionOf, rateLimit } from "@ratesync/core/http/express";
import express from "express";

const rateSync = createRateSync({
  limiters: {
    api: { algorithm: "sliding_window", limit: 20, windowMs: 10_000 },
    login: { algorithm: "sliding_window", limit: 3, windowMs: 60_000 },
  },
});

const app = express();
app.use(rateLimit({ limiter: "api", rateSync }));
app.get("/", (request, response) => void response.json({ left: admissionOf(request)?.decision?.remaining }));
app.post(
  "/login",
  rateLimit({ limiter: "login", rateSync, settle: failuresOnly() }),
  (_request, response) => void response.status(401).json({ error: "wrong password" }),
);

const port = Number(process.env["PORT"] ?? 3000);
app.listen(
  port,
  "127.0.0.1",
  () => console.log(`Try: for i in $(seq 5); do curl -i -X POST http://127.0.0.1:${port}/login; done`),
);
