/**
 * A process of a fleet that Prometheus reads: it makes calls on limiters of each kind. Its arguments: the URL of Redis, and
 * the rate of the limiter `api`. It prints the port of its page of metrics; at the end of its input it ends its calls and
 * prints its own counts of `api`, and the page once more.
 *
 * @module
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync } from "@ratesync/core";
import { collectMetrics } from "@ratesync/core/prometheus";
import { Registry } from "prom-client";

const [url = "", rate = ""] = process.argv.slice(2);
const rateSync = createRateSync({
  stores: { main: { engine: "redis", url, decisionTimeoutMs: 300 } },
  limiters: {
    api: { ratePerSecond: Number(rate), burst: 2, timeoutMs: 300 },
    jobs: { maxConcurrent: 3, timeoutMs: 200 },
    hot: { ratePerSecond: 10_000, burst: 10_000, tokenLeaseMs: 100 },
  },
  logger: false,
});
const register = new Registry();
collectMetrics({ rateSync, register });

const server = createServer(async (_request, response) => {
  response.writeHead(200, { "Content-Type": register.contentType }).end(await register.metrics());
});
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));

let isOver = false;
process.stdin.resume().once("end", () => isOver = true);

/** Makes a call every 20 ms until the end. */
async function repeat(call: (turn: number) => Promise<unknown>): Promise<void> {
  for (let turn = 0; !isOver; turn++) {
    await call(turn).catch(() => {});
    await sleep(20);
  }
}

await Promise.all([
  repeat((turn) => rateSync.tryAcquire("api", { key: `user:${turn % 3}` })),
  repeat((turn) => rateSync.acquire("api", { key: `user:${turn % 2}` })),
  repeat(() => rateSync.tryAcquire("hot")),
  ...Array.from({ length: 3 }, () => repeat(() => rateSync.run("jobs", () => sleep(15)))),
]);
const { totalAcquisitions, denialsByReason } = rateSync.metrics("api");
console.log(JSON.stringify({ totalAcquisitions, denialsByReason }));
// The page stays as it is now, until the process is killed.
await new Promise(() => {});
