/**
 * A script without a `close()` at its end. Arguments: its store as JSON, and what it does. It writes `end`
 * when nothing of it is left to be done.
 *
 * @module
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type RedisStoreConfig } from "../../mod.ts";

const [options = "{}", act = ""] = process.argv.slice(2);
const rs = createRateSync({
  // On a busy machine the first connection takes longer than a decision may by default. The store may be of any engine: those
  // outside this process have this option.
  stores: { main: { decisionTimeoutMs: 20_000, ...JSON.parse(options) as RedisStoreConfig } },
  limiters: {
    api: { ratePerSecond: 1_000, burst: 1_000 },
    slot: { maxConcurrent: 1, leaseTtlMs: 60_000, timeoutMs: Infinity },
  },
});

/** What scripts do, by its name. */
const ACTS: Record<string, () => Promise<unknown>> = {
  configure: () => sleep(300),
  async join() {
    await sleep(300);
    await ACTS["decide"]?.();
  },
  connect: () => rs.connect(),
  decide: async () => {
    const { degraded } = await rs.tryAcquire("api");
    if (degraded) throw new Error("the store has not decided");
  },
  async close() {
    await rs.tryAcquire("api");
    await rs.close();
  },
  giveUp: () => rs.tryAcquire("api"),
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
  async drain() {
    await rs.acquire("slot");
    void rs.close({ drain: true });
  },
  async drained() {
    await rs.acquire("slot");
    await rs.close({ drain: true, timeoutMs: 1_000 });
  },
  wait() {
    void rs.acquire("slot").then((permit) => {
      console.log("served");
      return permit.release();
    });
    return Promise.resolve();
  },
};

await ACTS[act]?.();
console.log("end");
