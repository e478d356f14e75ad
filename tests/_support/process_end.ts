/**
 * Scripts that end by themselves, without a `close()`, wherever their store is.
 *
 * @module
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type StoreConfig } from "../../mod.ts";
import { startWorker } from "./processes.ts";
import { freshPrefix } from "./redis.ts";

/** How long after its last line a script may take to end. It would never end before, so this only has to be bounded. */
const END_MS = 5_000;

/** Where a store is. */
export interface Place extends AsyncDisposable {
  /** The options by which it is reached. */
  readonly store: StoreConfig;
  /** The option that parts the stores of tests. @default {"keyPrefix"} */
  readonly prefixOption?: "keyPrefix" | "schema" | "streamPrefix";
  /** A value for that option that no other test uses. @default a prefix of keys */
  freshPrefix?(): string;
}

const ENDS: readonly [act: string, when: string][] = [
  ["configure", "has only configured its store"],
  ["connect", "has only connected"],
  ["decide", "has decided once"],
  ["hold", "holds a permit that it has not released"],
  ["drain", "drains a permit that nothing can release any more"],
  ["drained", "has awaited the drain of such a permit"],
  ["listen", "has waited for a permit, and still listens"],
];

/** Describes how scripts end on a store. */
export function describeEnds(name: string, open: () => Promise<Place>): void {
  describe(`A script on ${name} without a close() at its end`, () => {
    let place: Place;
    before(async () => {
      place = await open();
    });
    after(() => place[Symbol.asyncDispose]());

    const main = (prefix: string): StoreConfig => {
      return { ...place.store, [place.prefixOption ?? "keyPrefix"]: prefix };
    };
    const fresh = () => place.freshPrefix?.() ?? freshPrefix();
    const start = (act: string, prefix = fresh()) =>
      startWorker("_support/process_end_worker", [JSON.stringify(main(prefix)), act]);

    for (const [act, when] of ENDS) {
      it(`ends by itself when it ${when}`, async () => {
        await using worker = start(act);
        assert.equal(await worker.readLine(), "end");
        const exit = await Promise.race([worker.exited, sleep(END_MS, undefined, { ref: false })]);
        assert.deepEqual({ code: exit?.code, stderr: exit?.stderr }, { code: 0, stderr: "" });
      });
    }

    it("ends after a release that it does not wait for has reached the store", async () => {
      const prefix = fresh();
      await using worker = start("release", prefix);
      const { code } = await worker.exited;
      assert.equal(code, 0);
      await using rs = createRateSync({
        stores: { main: main(prefix) },
        limiters: { slot: { maxConcurrent: 1, leaseTtlMs: 60_000 } },
      });
      assert.ok((await rs.tryAcquire("slot")).allowed, "the permit was not given back");
    });

    it("goes on while it waits for a permit that another process holds", async () => {
      const prefix = fresh();
      await using rs = createRateSync({
        stores: { main: main(prefix) },
        limiters: { slot: { maxConcurrent: 1, leaseTtlMs: 60_000 } },
      });
      const permit = await rs.acquire("slot");
      await using worker = start("wait", prefix);
      assert.equal(await worker.readLine(), "end");
      await sleep(1_000);
      await permit.release();
      assert.equal(await worker.readLine(), "served");
      assert.equal((await worker.exited).code, 0);
    });
  });
}

/** Describes how scripts end whose store is at an address where something listens that says nothing. */
export function describeSilentEnd(engine: "redis" | "postgres" | "nats"): void {
  const ends = [
    { act: "close", when: "after close()", timeoutMs: 60_000 },
    { act: "giveUp", when: "without a close(), while the process probes it,", timeoutMs: 1_000 },
  ];
  for (const { act, when, timeoutMs } of ends) {
    it(`A script ends ${when} where a ${engine} server hangs`, async () => {
      const server = createServer((socket) => void socket.on("error", () => {})).listen(0, "127.0.0.1");
      try {
        await once(server, "listening");
        const store = {
          engine,
          url: `${engine}://127.0.0.1:${(server.address() as AddressInfo).port}`,
          decisionTimeoutMs: 200,
          socketTimeoutMs: timeoutMs,
          socketConnectTimeoutMs: timeoutMs,
        };
        await using worker = startWorker("_support/process_end_worker", [JSON.stringify(store), act]);
        assert.equal(await worker.readLine(), "end");
        const exit = await Promise.race([worker.exited, sleep(END_MS, undefined, { ref: false })]);
        assert.equal(exit?.code, 0, "the process goes on");
      } finally {
        server.close();
      }
    });
  }
}
