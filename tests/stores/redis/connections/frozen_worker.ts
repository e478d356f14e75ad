/**
 * Decides once for each line of its standard input, and writes how: a process that a function platform freezes between
 * invocations. A line that is a number freezes it first for so many milliseconds, with a call in flight, whose answer it
 * reads only afterwards. Argument: the URL of its Redis.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { setImmediate as nextTurn } from "node:timers/promises";

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
for await (const line of createInterface({ input: process.stdin })) {
  if (Number(line) > 0) {
    const peeked = rs.peek("api");
    for (let turns = 0; turns < 20; turns++) await nextTurn(); // it is sent
    console.log("frozen");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(line));
    await peeked;
  }
  const startMs = performance.now();
  const { allowed, degraded } = await rs.tryAcquire("api");
  console.log(JSON.stringify({ allowed, degraded, ms: performance.now() - startMs }));
}
