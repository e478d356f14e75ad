/**
 * Installs fake timers before it loads the package, and prints what a limiter of it decides as they move.
 *
 *     fake_timers_worker.ts sinon|mock API,API
 *
 * @module
 */

import process from "node:process";

import { type FakeApi, installMock, installSinon, settled } from "./_fakes.ts";

const [library = "", list = ""] = process.argv.slice(2);
const fakes = (library === "sinon" ? installSinon : installMock)(list.split(",") as FakeApi[], 0);
const { createRateSync } = await import("@ratesync/core");
const rs = createRateSync({
  limiters: {
    window: { algorithm: "fixed_window", limit: 1, windowMs: 60_000 },
    pace: { ratePerSecond: 2, burst: 1 },
  },
});
const seen: unknown[] = [(await rs.tryAcquire("window")).allowed];
fakes.tick(59_999);
seen.push((await rs.tryAcquire("window")).allowed);
fakes.tick(1);
seen.push((await rs.tryAcquire("window")).allowed);
await rs.acquire("pace");
let waited = false;
const waiting = rs.acquire("pace").then(() => waited = true);
await settled();
seen.push(waited);
fakes.tick(500);
await settled();
seen.push(waited);
fakes.uninstall();
await waiting;
seen.push((await rs.tryAcquire("window")).allowed);
await rs.close();
console.log(seen.join(" "));
