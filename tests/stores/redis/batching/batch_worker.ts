/**
 * Asks for much at once and closes without waiting for any of it; must then end by itself. Argument: the URL.
 *
 * @module
 */

import process from "node:process";

import { createRateSync } from "../../../../mod.ts";

const [, , url = ""] = process.argv;
const rs = createRateSync({
  stores: { shared: { engine: "redis", url, decisionTimeoutMs: Infinity } },
  limiters: { api: { limit: 10, windowMs: 3_600_000, onStoreError: "throw" } },
});
await rs.tryAcquire("api", { key: "first" });
const asked = Array.from({ length: 10_000 }, (_, i) => rs.tryAcquire("api", { key: `${i}` }));
await new Promise((resolve) => setImmediate(resolve));
const closed = rs.close();
const outcomes = await Promise.allSettled(asked);
await closed;
console.log(JSON.stringify({
  answered: outcomes.filter(({ status }) => status === "fulfilled").length,
  closed: outcomes.filter((outcome) => outcome.status === "rejected" && outcome.reason.code === "CLOSED").length,
}));
