/**
 * One of several servers that share a limit of 50: `server_worker <application> <redis> <prefix>`. Prints where it listens.
 *
 * @module
 */

import process from "node:process";

import express from "express";
import { rateLimit } from "express-rate-limit";

import { createRateSync } from "@ratesync/core";
import { expressRateLimitStore } from "@ratesync/core/http/express-rate-limit";
import { serveNode } from "../../_servers.ts";
import { type AppName, APPS, Gate } from "../_apps.ts";

const [name = "", url = "", keyPrefix = ""] = process.argv.slice(2);
const windowMs = 600_000;
const rateSync = createRateSync({
  stores: { main: { engine: "redis", url, keyPrefix, decisionTimeoutMs: Infinity } }, // the machine may be busy
  limiters: { api: { limit: 50, windowMs, algorithm: "sliding_window", onStoreError: "throw" } },
});
const server = name === "express-rate-limit"
  ? await withTheirMiddleware()
  : await APPS[name as AppName]({ limiter: "api", rateSync }, new Gate());
console.log(server.url);

async function withTheirMiddleware() {
  const app = express();
  app.use(rateLimit({ windowMs, limit: 50, store: expressRateLimitStore({ rateSync, onStoreError: "throw" }) }));
  app.use((_request, response) => void response.send("hello"));
  return await serveNode(app);
}
