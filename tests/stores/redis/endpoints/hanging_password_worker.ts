/**
 * A process whose only call waits for a function that gives no password. Prints how it was decided.
 *
 * @module
 */

import process from "node:process";

import { createRateSync } from "../../../../mod.ts";

const url = process.argv[2] ?? "";
const store = {
  engine: "redis",
  url,
  password: () => new Promise<string>(() => {}),
  socketConnectTimeoutMs: 1_500,
} as const;
const rs = createRateSync({ stores: { main: store }, limiters: { api: { ratePerSecond: 1 } }, logger: false });
console.log((await rs.tryAcquire("api")).degraded);
