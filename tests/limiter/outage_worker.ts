/**
 * A process that asks a Redis which is not there, and ends by itself: after `close()`, or without it.
 *
 * @module
 */

import process from "node:process";

import { createRateSync } from "../../mod.ts";

const [url = "", end] = process.argv.slice(2);
const rs = createRateSync({
  stores: { main: { engine: "redis", url } },
  limiters: { api: { ratePerSecond: 1 }, slot: { maxConcurrent: 1 } },
});
const decision = await rs.tryAcquire("api");
const permit = await rs.acquire("slot");
console.log(decision.degraded, permit.decision.degraded);
if (end === "close") await rs.close();
