/**
 * A process that decides once, and when its input ends as often as it is allowed to. Arguments: the URL of NATS, and the
 * prefix of the streams. It prints how many units it got in all.
 *
 * @module
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, RateSyncError } from "../../mod.ts";
import { LogStore } from "../../src/stores/log/log_store.ts";
import { streamWith } from "../stores/nats/_nats.ts";

const [url = "", streamPrefix = ""] = process.argv.slice(2);
const store = new LogStore(streamWith({ url, streamPrefix }), { snapshotEvery: 300 });
const rs = createRateSync({
  stores: { main: store },
  limiters: { api: { limit: 100, windowMs: 36_000_000, onStoreError: "throw", denyCacheMs: 0 } },
});
await rs.connect();
let allowed = Number((await rs.tryAcquire("api")).allowed);
console.log("ready");
for await (const _ of process.stdin); // until its end
for (let isSpent = false; !isSpent;) {
  try {
    const decision = await rs.tryAcquire("api");
    if (decision.allowed) allowed++;
    else isSpent = true;
  } catch (error) {
    if (!RateSyncError.is(error)) throw error;
    await sleep(20); // the state is read anew
  }
}
console.log(allowed);
await rs.close();
await store.close();
