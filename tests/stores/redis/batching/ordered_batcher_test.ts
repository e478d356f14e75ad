import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import fc from "fast-check";

import type { BatchItem } from "../../../../src/stores/batch.ts";
import { inNextTurn } from "../../../../src/base/turn.ts";
import { systemClock } from "../../../../src/base/clock.ts";
import { OrderedBatcher } from "../../../../src/stores/redis/ordered_batcher.ts";

interface Item extends BatchItem<number> {
  readonly id: number;
  readonly kind: string;
  readonly keys: readonly string[];
}

/** A batcher over a server that takes each call after a time of its own. */
function batcherTo(serve: (batch: readonly Item[]) => Promise<readonly number[]>): OrderedBatcher<Item, number> {
  return new OrderedBatcher({
    send: serve,
    kindOf: ({ kind }) => kind,
    keysOf: ({ keys }) => keys,
    joins: () => false,
    errorOf: (cause) => cause,
    afterSending: inNextTurn,
    nowUs: systemClock.nowUs,
    maxBatch: 4,
    maxQueued: 1_000,
  });
}

const items = fc.array(
  fc.record({
    kind: fc.constantFrom("a", "b", "c"),
    keys: fc.uniqueArray(fc.constantFrom("k1", "k2", "k3", "k4"), { minLength: 1, maxLength: 3 }),
  }),
  { minLength: 2, maxLength: 24 },
);

describe("OrderedBatcher", () => {
  // Timers of the batcher do not keep the process alive.
  let alive: ReturnType<typeof setInterval>;
  before(() => void (alive = setInterval(() => {}, 1_000)));
  after(() => clearInterval(alive));

  it("runs requests with a key in common in the order in which they were asked, however long each call takes", async () => {
    await fc.assert(
      fc.asyncProperty(items, fc.infiniteStream(fc.nat(6)), async (asked, delays) => {
        const ran: Item[] = [];
        const batcher = batcherTo(async (batch) => {
          await sleep(delays.next().value);
          ran.push(...batch);
          return batch.map(({ id }) => id);
        });
        const all = asked.map((item, id) => ({ ...item, id }));
        assert.deepEqual(await Promise.all(all.map((item) => batcher.ask(item))), all.map(({ id }) => id));
        for (const key of ["k1", "k2", "k3", "k4"]) {
          const order = ran.filter(({ keys }) => keys.includes(key)).map(({ id }) => id);
          assert.deepEqual(order, [...order].sort((a, b) => a - b), key);
        }
        assert.deepEqual(batcher.load, { queued: 0, calls: 0 });
      }),
      { numRuns: 60 },
    );
  });

  it("sends calls of different kinds at once, and one call of a kind at a time", async () => {
    let [most, now] = [0, 0];
    const batches: number[] = [];
    const batcher = batcherTo(async (batch) => {
      most = Math.max(most, ++now);
      batches.push(batch.length);
      await sleep(5);
      now--;
      return batch.map(({ id }) => id);
    });
    const ask = (id: number, kind: string) => batcher.ask({ id, kind, keys: [`${kind}${id}`] });
    await Promise.all(["a", "b", "c"].flatMap((kind) => [1, 2, 3, 4].map((id) => ask(id, kind))));
    assert.equal(most, 3);
    assert.deepEqual(batches, [4, 4, 4], "requests of one turn go together");
  });

  it("sends requests of one turn for one key together", async () => {
    const batches: number[] = [];
    const batcher = batcherTo((batch) => {
      batches.push(batch.length);
      return Promise.resolve(batch.map(({ id }) => id));
    });
    await Promise.all([1, 2, 3, 4].map((id) => batcher.ask({ id, kind: "a", keys: ["k"] })));
    assert.deepEqual(batches, [4]);
  });

  it("lets others pass a call that hangs, also those for the same key", async () => {
    let hang = true;
    const release: (() => void)[] = [];
    const batcher = batcherTo(async (batch) => {
      if (hang) {
        hang = false;
        await new Promise<void>((resolve) => release.push(resolve));
      }
      return batch.map(({ id }) => id);
    });
    const hung = batcher.ask({ id: 0, kind: "a", keys: ["k"] });
    await sleep(1);
    const behind = [["a", "k"], ["a", "other"], ["b", "k"], ["b", "other"]] as const;
    const passed = await Promise.all(behind.map(([kind, key], i) => batcher.ask({ id: i + 1, kind, keys: [key] })));
    assert.deepEqual(passed, [1, 2, 3, 4]);
    assert.deepEqual(batcher.load, { queued: 0, calls: 1 });
    release[0]?.();
    assert.equal(await hung, 0);
  });

  it("gives up a request that is held behind another when its signal is aborted, and does not send it", async () => {
    const ran: number[] = [];
    const batcher = batcherTo(async (batch) => {
      await sleep(20);
      ran.push(...batch.map(({ id }) => id));
      return batch.map(({ id }) => id);
    });
    const controller = new AbortController();
    const first = batcher.ask({ id: 1, kind: "a", keys: ["k"] });
    const held = batcher.ask({ id: 2, kind: "b", keys: ["k"] }, controller.signal);
    const third = batcher.ask({ id: 3, kind: "a", keys: ["k"] });
    controller.abort(new Error("changed my mind"));
    await assert.rejects(held, /changed my mind/);
    assert.deepEqual(await Promise.all([first, third]), [1, 3]);
    assert.deepEqual(ran, [1, 3]);
  });

  it("passes on the error of a call, and refuses requests and queued ones once it is closed", async () => {
    const batcher = batcherTo(async () => {
      await sleep(5);
      throw new Error("the call has failed");
    });
    await assert.rejects(batcher.ask({ id: 1, kind: "a", keys: ["k"] }), /the call has failed/);
    const first = batcher.ask({ id: 2, kind: "a", keys: ["k"] });
    const held = batcher.ask({ id: 3, kind: "b", keys: ["k"] });
    await sleep(1);
    batcher.close(new Error("closed"));
    await assert.rejects(first, /the call has failed/);
    await assert.rejects(held, /closed/);
    await assert.rejects(batcher.ask({ id: 4, kind: "c", keys: ["k"] }), /closed/);
  });
});
