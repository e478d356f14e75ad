/**
 * A script without a `close()` at its end. Arguments: the URL, the schema, and what it does. It writes `end` when nothing of it
 * is left to be done.
 *
 * @module
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync } from "../../../../mod.ts";
import { compilePolicy } from "../../../../src/policy/compile_policy.ts";
import { createPostgresStore } from "../../../../src/stores/postgres/mod.ts";

const [url = "", schema = "", act = ""] = process.argv.slice(2);
const rs = createRateSync({
  stores: { main: { engine: "postgres", url, schema, decisionTimeoutMs: 20_000 } },
  limiters: {
    api: { ratePerSecond: 1_000, burst: 1_000 },
    slot: { maxConcurrent: 1, leaseTtlMs: 60_000, timeoutMs: Infinity },
  },
});

/** What scripts do, by its name. */
const ACTS: Record<string, () => Promise<unknown>> = {
  configure: () => sleep(300),
  connect: () => rs.connect(),
  decide: async () => {
    const { degraded } = await rs.tryAcquire("api");
    if (degraded) throw new Error("PostgreSQL has not decided");
  },
  async storeAlone() {
    const store = createPostgresStore({ url, schema });
    store.prepare();
    const targets = [{
      limiter: "api",
      key: undefined,
      policy: compilePolicy({ ratePerSecond: 1 }),
      cost: 1,
      slots: 0,
    }];
    await store.execute({ op: "take", mode: "now", targets, maxWaitUs: 0, id: "", arrivalUs: 0 });
  },
  hold: () => rs.acquire("slot"),
  async listen() {
    const first = await rs.acquire("slot");
    const second = rs.acquire("slot");
    setTimeout(() => void first.release(), 100);
    await (await second).release();
  },
  async release() {
    const permit = await rs.acquire("slot");
    void permit.release();
  },
};

await ACTS[act]?.();
console.log("end");
