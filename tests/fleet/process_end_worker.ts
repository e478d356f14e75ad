/** A script without a `close()` at its end: it calls until it is watched, and a moment longer. */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync } from "../../mod.ts";
import { redisUrl } from "../_support/redis.ts";

const [keyPrefix = ""] = process.argv.slice(2);
const rs = createRateSync({
  stores: { s: { engine: "redis", url: redisUrl(), keyPrefix } },
  limiters: { api: { limit: 5, windowMs: 1_000, denyCacheMs: 0 } },
});
for (let i = 0; i < 60; i++, await sleep(100)) await rs.tryAcquire("api");
console.log("end");
