/**
 * Decides once for each line of its standard input, and writes how: a process that a function platform freezes between
 * invocations. Argument: the URL of its Redis.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";

import { createRateSync } from "../../../../mod.ts";

const [url = "", keyPrefix = ""] = process.argv.slice(2);
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const rs = createRateSync({
  logger: quiet,
  stores: { main: { engine: "redis", url, keyPrefix } },
  limiters: { api: { limit: 3, windowMs: 600_000, denyCacheMs: 0 } },
});
await rs.connect();
for (let byRedis = 0; byRedis < 3;) if (!(await rs.tryAcquire("api")).degraded) byRedis++;
console.log("ready");
for await (const _line of createInterface({ input: process.stdin })) {
  const startMs = performance.now();
  const { allowed, degraded } = await rs.tryAcquire("api");
  console.log(JSON.stringify({ allowed, degraded, ms: performance.now() - startMs }));
}
