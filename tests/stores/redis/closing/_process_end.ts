/**
 * Scripts that end by themselves, without a `close()`, wherever their Redis is.
 *
 * @module
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type NatsStoreConfig, type RedisStoreOptions, type StoreConfig } from "../../../../mod.ts";
import { startWorker } from "../../../_support/processes.ts";
import { freshPrefix } from "../../../_support/redis.ts";

/** How long after its last line a script may take to end. It would never end before, so this only has to be bounded. */
const END_MS = 5_000;

/** Where a Redis is. */
export interface Place extends AsyncDisposable {
  /** The options by which it is reached. */
  readonly store: RedisStoreOptions | NatsStoreConfig;
  /** The option that parts the stores of tests. @default {"keyPrefix"} */
  readonly prefixOption?: "keyPrefix" | "streamPrefix";
}

const ENDS: readonly [act: string, when: string][] = [
  ["configure", "has only configured its store"],
  ["connect", "has only connected"],
  ["decide", "has decided once"],
  ["hold", "holds a permit that it has not released"],
  ["drain", "drains a permit that nothing can release any more"],
  ["listen", "has waited for a permit, and still listens"],
];

/** Describes how scripts end on a Redis. */
export function describeEnds(name: string, open: () => Promise<Place>): void {
  describe(`A script on ${name} without a close() at its end`, () => {
    let place: Place;
    before(async () => {
      place = await open();
    });
    after(() => place[Symbol.asyncDispose]());

    const main = (prefix: string): StoreConfig => {
      return { engine: "redis", ...place.store, [place.prefixOption ?? "keyPrefix"]: prefix };
    };
    const start = (act: string, prefix = freshPrefix()) =>
      startWorker("stores/redis/closing/process_end_worker", [JSON.stringify(main(prefix)), act]);

    for (const [act, when] of ENDS) {
      it(`ends by itself when it ${when}`, async () => {
        await using worker = start(act);
        assert.equal(await worker.readLine(), "end");
        const exit = await Promise.race([worker.exited, sleep(END_MS, undefined, { ref: false })]);
        assert.deepEqual({ code: exit?.code, stderr: exit?.stderr }, { code: 0, stderr: "" });
      });
    }

    it("ends after a release that it does not wait for has reached Redis", async () => {
      const keyPrefix = freshPrefix();
      await using worker = start("release", keyPrefix);
      const { code } = await worker.exited;
      assert.equal(code, 0);
      await using rs = createRateSync({
        stores: { main: main(keyPrefix) },
        limiters: { slot: { maxConcurrent: 1, leaseTtlMs: 60_000 } },
      });
      assert.ok((await rs.tryAcquire("slot")).allowed, "the permit was not given back");
    });

    it("goes on while it waits for a permit that another process holds", async () => {
      const keyPrefix = freshPrefix();
      await using rs = createRateSync({
        stores: { main: main(keyPrefix) },
        limiters: { slot: { maxConcurrent: 1, leaseTtlMs: 60_000 } },
      });
      const permit = await rs.acquire("slot");
      await using worker = start("wait", keyPrefix);
      assert.equal(await worker.readLine(), "end");
      await sleep(1_000);
      await permit.release();
      assert.equal(await worker.readLine(), "served");
      assert.equal((await worker.exited).code, 0);
    });
  });
}
