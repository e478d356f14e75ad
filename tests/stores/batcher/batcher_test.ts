import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { ClosedError } from "../../../src/base/errors.ts";
import { runs } from "../../_support/arbitraries.ts";
import { forbidUnhandledRejections } from "../../limiter/_unhandled.ts";
import { type Asked, BatcherLab, FAR_CALLS, type Item, NEAR_CALLS, OVERLOADED } from "./_batcher_lab.ts";

type Act =
  | { readonly do: "ask"; readonly items: readonly Pick<Item, "kind" | "keys" | "isBad">[] }
  | { readonly do: "turn" | "settle" | "close" }
  | { readonly do: "answer" | "fail" | "abort"; readonly pick: number };

const itemArb = (kinds: number) =>
  fc.record({
    kind: fc.nat(kinds - 1),
    keys: fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { minLength: 1, maxLength: 2 }),
    isBad: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
  });

/** What happens between two turns of the event loop, or at them. */
const actArb = (kinds: number): fc.Arbitrary<Act> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant("ask" as const),
        items: fc.array(itemArb(kinds), { minLength: 1, maxLength: 12 }),
      }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("settle" as const, "turn" as const) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("answer" as const, "fail" as const), pick: fc.nat() }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("abort" as const), pick: fc.nat() }) },
  );

async function act(lab: BatcherLab, what: Act): Promise<void> {
  switch (what.do) {
    case "ask":
      return what.items.forEach((item) => void lab.ask(item));
    case "turn":
      return await lab.turn();
    case "settle":
      return await lab.settle();
    case "close":
      return lab.close();
    case "answer":
    case "fail":
      return [...lab.open][what.pick % (lab.open.size || 1)]?.[what.do]();
    case "abort": {
      const [first] = lab.asked.slice(-1 - what.pick % 20);
      if (first !== undefined) lab.abort(first);
    }
  }
}

function askMany(lab: BatcherLab, count: number, what: (i: number) => Partial<Item> = () => ({})): Asked[] {
  return Array.from({ length: count }, (_, i) => lab.ask(what(i)));
}

describe("Batcher, with any requests, replies, failures and aborts,", () => {
  forbidUnhandledRejections();

  for (const kinds of [1, 3]) {
    it(`answers each item once, in order, with ${kinds} ${kinds === 1 ? "kind" : "kinds"} of items`, {
      timeout: 120_000,
    }, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(actArb(kinds), { minLength: 1, maxLength: 60 }),
          fc.integer({ min: 1, max: 8 }),
          fc.integer({ min: 1, max: 40 }),
          fc.boolean(),
          async (acts, maxBatch, maxQueued, isFar) => {
            const lab = new BatcherLab({ maxBatch, maxQueued });
            if (isFar) await lab.beFar();
            const most = isFar ? FAR_CALLS : NEAR_CALLS;
            for (const what of acts) await act(lab, what);
            await lab.finish();
            // A batch in which kinds alternate on one key is many calls.
            assert.ok(lab.mostOpen <= (kinds === 1 ? most : most - 1 + maxBatch), `${lab.mostOpen} calls`);
          },
        ),
        { numRuns: runs(500) },
      );
    });
  }

  it("leaves nothing unanswered when it is closed at any time", { timeout: 120_000 }, async () => {
    const acts = fc.array(actArb(2), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(acts, acts, fc.integer({ min: 1, max: 8 }), async (before, after, maxBatch) => {
        const lab = new BatcherLab({ maxBatch, maxQueued: 20 });
        for (const what of [...before, { do: "close" } as const]) await act(lab, what);
        const sent = lab.calls.length;
        for (const what of after) await act(lab, what);
        await lab.finish();
        assert.equal(lab.calls.length, sent, "nothing is sent after it was closed");
      }),
      { numRuns: runs(300) },
    );
  });
});

describe("Batcher.ask()", () => {
  forbidUnhandledRejections();

  it("sends a lone item in the same turn", async () => {
    const lab = new BatcherLab({ maxBatch: 8 });
    const asked = lab.ask();
    assert.equal(asked.state, "queued", "the next request comes along");
    await Promise.resolve();
    assert.equal(asked.state, "sent");
    await lab.finish();
  });

  it("sends the requests of one turn in as few calls as possible", async () => {
    const size = fc.integer({ min: 1, max: 20 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 300 }), size, async (count, maxBatch) => {
        const lab = new BatcherLab({ maxBatch });
        askMany(lab, count, (i) => ({ keys: [`k${i % 7}`] }));
        await lab.finish();
        assert.equal(lab.calls.length, Math.ceil(count / maxBatch));
      }),
      { numRuns: runs(100) },
    );
  });

  it("sends one call for each kind where no key is asked for in two", async () => {
    const lab = new BatcherLab({ maxBatch: 100 });
    askMany(lab, 100, (i) => ({ kind: i % 3, keys: [`${i % 3} ${i % 5}`] }));
    await lab.finish();
    assert.deepEqual(lab.calls.map(({ items }) => items.length), [34, 33, 33]);
  });

  it("sends what comes one by one in a turn as one call after the first such turn, and a lone item at once", async () => {
    const lab = new BatcherLab({ maxBatch: 8 });
    const arrive = async (count: number) => {
      for (let i = 0; i < count; i++) {
        lab.ask();
        for (let j = 0; j < 5; j++) await Promise.resolve(); // each in a callback of its own
      }
    };
    const sizesAfter = async (count: number): Promise<number[]> => {
      const sent = lab.calls.length;
      await arrive(count);
      await lab.settle();
      const sizes = lab.calls.slice(sent).map(({ items }) => items.length);
      for (const call of lab.open) call.answer();
      await lab.settle();
      return sizes;
    };
    assert.deepEqual(await sizesAfter(4), [1, 3], "nothing told of the others");
    assert.deepEqual(await sizesAfter(4), [4]);
    assert.deepEqual(await sizesAfter(6), [6]);
    assert.deepEqual(await sizesAfter(1), [1]);
    const lone = lab.ask();
    await Promise.resolve();
    assert.equal(lone.state, "sent", "the last turn had one item");
    await lab.finish();
  });

  it("gathers requests behind calls in flight", async () => {
    const lab = new BatcherLab({ maxBatch: 50 });
    for (let i = 0; i < 40; i++) {
      lab.ask();
      await lab.settle();
    }
    const sent = lab.calls.length;
    assert.equal(sent, NEAR_CALLS, `${sent} calls for 40 items, one each turn`);
    [...lab.open][0]?.answer();
    await lab.settle();
    assert.equal(lab.calls.length, sent + 1);
    assert.equal(lab.calls.at(-1)?.items.length, 40 - sent);
    await lab.finish();
  });

  for (const [place, calls] of [["near", NEAR_CALLS], ["far", FAR_CALLS]] as const) {
    it(`has at most ${calls} calls in flight to a place that is ${place}, however much is asked`, async () => {
      const lab = new BatcherLab({ maxBatch: 2 });
      if (place === "far") await lab.beFar();
      askMany(lab, 1_000);
      await lab.settle();
      assert.equal(lab.open.size, calls);
      assert.equal(lab.queued, 1_000 - 2 * calls);
      await lab.finish();
      assert.equal(lab.mostOpen, calls);
    });
  }

  it("learns anew how far a place is, when it has moved", async () => {
    const lab = new BatcherLab({ maxBatch: 1 });
    await lab.beFar();
    for (let i = 0; i < 3; i++) {
      lab.nowUs += 11_000_000;
      await lab.answered();
    }
    askMany(lab, 100);
    await lab.settle();
    assert.equal(lab.open.size, NEAR_CALLS);
    await lab.finish();
  });

  it("sends one call a turn, and the next before the callers of an answered one go on", async () => {
    const lab = new BatcherLab({ maxBatch: 2 });
    const asked = askMany(lab, 4 * NEAR_CALLS);
    for (let calls = 1; calls <= NEAR_CALLS; calls++) {
      await lab.turn();
      assert.equal(lab.calls.length, calls);
    }
    await lab.settle();
    const isTold = () => asked.filter(({ told }) => told.length > 0).length;
    for (const call of lab.open) call.answer();
    for (let turns = 0; isTold() < 2 * NEAR_CALLS; turns++) {
      assert.ok(turns < 10 * NEAR_CALLS, "nothing happens any more");
      const before = [lab.calls.length, isTold()] as const;
      await lab.turn();
      assert.ok(lab.calls.length - before[0] <= 1, "several calls in a turn");
      assert.ok(isTold() - before[1] <= 2, "several answers in a turn");
      assert.ok(isTold() <= 2 * (lab.calls.length - NEAR_CALLS), "told before the next was sent");
    }
    assert.equal(lab.calls.length, 2 * NEAR_CALLS);
    await lab.finish();
  });

  it("lets the callers of a lone call go on in three parts, one a turn, in their order", async () => {
    const lab = new BatcherLab({ maxBatch: 128 });
    const asked = askMany(lab, 90);
    await lab.settle();
    const [call] = lab.open;
    call?.answer();
    const told: number[] = [];
    for (let turn = 0; turn < 3; turn++) {
      await lab.turn();
      told.push(asked.filter((each) => each.told.length > 0).length);
      assert.ok(asked.slice(0, told.at(-1)).every((each) => each.told.length > 0), "out of order");
    }
    assert.deepEqual(told, [30, 60, 90]);
    await lab.finish();
  });

  it("lets the callers of a lone call go on together, where that is wanted, so that they ask for one call again", async () => {
    const lab = new BatcherLab({ maxBatch: 128, parts: 1 });
    let left = 20 * 90;
    for (let i = 0; i < 90; i++) {
      void (async () => {
        while (left-- > 0) await lab.asking();
      })();
    }
    while (left > 0) {
      await lab.turn();
      for (const call of lab.open) call.answer();
    }
    await lab.finish();
    assert.ok(lab.calls.every(({ items }) => items.length === 90), `${lab.calls.map(({ items }) => items.length)}`);
  });

  for (
    const [callers, least, most] of [[10, 10, 10], [30, 10, 20], [90, 20, 45], [200, 60, 128], [400, 95, 128]] as const
  ) {
    it(`has calls of ${least} to ${most} where ${callers} callers ask one after the other`, async () => {
      const lab = new BatcherLab({ maxBatch: 128 });
      let left = 40 * callers;
      for (let i = 0; i < callers; i++) {
        void (async () => {
          while (left-- > 0) await lab.asking();
        })();
      }
      while (left > 0) {
        await lab.turn();
        for (const call of lab.open) call.answer(); // the other side answers together what it has received together
      }
      await lab.finish();
      const some = lab.calls.slice(Math.floor(lab.calls.length / 4), Math.floor(lab.calls.length * 3 / 4));
      const mean = some.reduce((sum, { items }) => sum + items.length, 0) / some.length;
      assert.ok(mean >= least && mean <= most, `${mean}`);
    });
  }

  it("does not send an item that was aborted in the queue, and lets sent ones be answered", async () => {
    const lab = new BatcherLab({ maxBatch: 1 });
    const asked = askMany(lab, NEAR_CALLS + 3);
    await lab.settle();
    for (const one of [0, NEAR_CALLS, NEAR_CALLS + 2]) lab.abort(asked[one] as Asked);
    await lab.finish();
    assert.equal(lab.calls.length, NEAR_CALLS + 1);
    assert.deepEqual(asked[0]?.told, ["yes 0"]);
    assert.deepEqual(asked[NEAR_CALLS]?.told, [{ gaveUp: NEAR_CALLS }]);
  });

  it("rejects at once where the signal is aborted already", async () => {
    const lab = new BatcherLab({ maxBatch: 1 });
    const reason = Symbol("before");
    const item = { id: 0, kind: 0, keys: [], isBad: false };
    await assert.rejects(lab.batcher.ask(item, AbortSignal.abort(reason)), (error: unknown) => error === reason);
    await lab.finish();
    assert.equal(lab.calls.length, 0);
  });

  it("listens to no signal any longer once an item is sent or refused", async () => {
    const lab = new BatcherLab({ maxBatch: 1 });
    let listening = 0;
    const newSignal = () => {
      const { signal } = new AbortController();
      signal.addEventListener = () => void listening++;
      signal.removeEventListener = () => void listening--;
      return signal;
    };
    for (let i = 0; i < NEAR_CALLS + 2; i++) lab.ask({}, newSignal());
    assert.equal(listening, NEAR_CALLS + 2);
    await lab.settle();
    assert.equal(listening, 2);
    lab.close();
    assert.equal(listening, 0);
    lab.ask({}, newSignal());
    assert.equal(listening, 0);
    await lab.finish();
  });

  it("refuses items beyond the limit, until there is room again", async () => {
    const lab = new BatcherLab({ maxBatch: 1, maxQueued: 10 });
    for (let i = 0; i < NEAR_CALLS; i++) {
      lab.ask();
      await lab.settle();
    }
    const waiting = askMany(lab, 10);
    const isRefused = () => lab.ask().expected === OVERLOADED;
    assert.ok(isRefused());
    for (const asked of waiting.slice(0, 2)) lab.abort(asked);
    assert.deepEqual([isRefused(), isRefused(), isRefused()], [false, false, true], "who gives up makes room");
    await lab.settle();
    for (const call of lab.open) call.answer();
    await lab.settle();
    assert.equal(lab.queued, 10 - NEAR_CALLS);
    assert.deepEqual(Array.from({ length: 4 }, isRefused), [false, false, false, true], "what was sent makes room");
    await lab.finish();
  });

  it("lets one item fail alone", async () => {
    const lab = new BatcherLab({ maxBatch: 8 });
    const asked = askMany(lab, 8, (i) => ({ isBad: i === 3 }));
    await lab.finish();
    assert.equal(lab.calls.length, 1);
    assert.deepEqual(asked.map(({ told }) => told[0] instanceof Error), asked.map((_, i) => i === 3));
  });

  it("gives each caller its own error where a call fails, and goes on", async () => {
    const lab = new BatcherLab({ maxBatch: 8 });
    const asked = askMany(lab, 8);
    await lab.settle();
    [...lab.open][0]?.fail();
    await lab.settle();
    assert.equal(new Set(asked.map(({ told }) => told[0])).size, 8);
    assert.ok(asked.every(({ told }) => told[0] instanceof Error));
    const next = lab.ask();
    await lab.finish();
    assert.deepEqual(next.told, ["yes 8"]);
  });
});

describe("Batcher.close()", () => {
  forbidUnhandledRejections();

  it("rejects queued items with the given error, and leaves those in flight alone", async () => {
    const lab = new BatcherLab({ maxBatch: 1 });
    const asked = askMany(lab, NEAR_CALLS + 5);
    await lab.settle();
    lab.close();
    await lab.settle();
    const error = asked.at(-1)?.told[0];
    assert.ok(error instanceof ClosedError);
    assert.ok(asked.slice(NEAR_CALLS).every(({ told }) => told[0] === error));
    assert.ok(asked.slice(0, NEAR_CALLS).every(({ told }) => told.length === 0));
    lab.ask();
    await lab.finish();
    assert.equal(lab.calls.length, NEAR_CALLS);
  });
});
