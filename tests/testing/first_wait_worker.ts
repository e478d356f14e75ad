/**
 * Uses an instance on a FakeClock for the first time in a process, where nothing is loaded yet, and prints what it sees.
 *
 *     first_wait_worker.ts runUntil|advance|slot|fallback|reserve
 *
 * @module
 */

import process from "node:process";

import { createRateSync, StoreError } from "@ratesync/core";
import { FakeClock } from "@ratesync/core/testing";

const clock = new FakeClock();
const fromUs = clock.nowUs();
const passedMs = () => (clock.nowUs() - fromUs) / 1_000;
const broken = {
  engine: "broken",
  execute: () => Promise.reject(new StoreError("STORE_UNAVAILABLE", "Cannot reach the store: this is a test")),
  listen: () => Promise.resolve(),
  resetAll: () => Promise.resolve(),
  connect: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
const limiters = { pace: { ratePerSecond: 2 }, slot: { maxConcurrent: 1 } } as const;
const how = process.argv[2];
const rs = createRateSync({ clock, limiters, ...(how === "fallback" ? { stores: { broken: broken as never } } : {}) });

function startsMs(): Promise<number>[] {
  return Array.from({ length: 4 }, async () => {
    await rs.acquire("pace");
    return passedMs();
  });
}

switch (how) {
  case "runUntil":
  case "fallback":
    console.log((await clock.runUntil(Promise.all(startsMs()))).join(" "));
    break;
  case "advance": {
    const calls = startsMs();
    await clock.advance(2_000);
    console.log((await Promise.all(calls)).join(" "));
    break;
  }
  case "slot": {
    const held = rs.acquire("slot");
    const waiting = rs.acquire("slot", { timeoutMs: 5_000 }).catch(({ code }) => `${code} at ${passedMs()}`);
    console.log(await clock.runUntil(waiting));
    await (await held).release();
    break;
  }
  case "reserve": {
    await rs.peek("pace");
    const reserved = [rs.reserve("pace"), rs.reserve("pace")] as const;
    const ready = (async () => await (await reserved[1]).ready())();
    await clock.runUntil(ready);
    console.log(passedMs());
    break;
  }
}
await rs.close();
