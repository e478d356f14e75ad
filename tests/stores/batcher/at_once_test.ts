import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { ClosedError } from "../../../src/base/errors.ts";
import { MemoryStore } from "../../../src/stores/memory/mod.ts";
import { marksOf, type TakeReply, type Target } from "../../../src/stores/store.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import { limiterArb, runs } from "../../_support/arbitraries.ts";
import { costing, target } from "../_lab.ts";

const callsArb = fc.array(
  fc.record({
    us: fc.oneof(fc.constantFrom(0, 0, 1, 2, 1_000), fc.nat(3_000_000)),
    share: fc.oneof(fc.constantFrom(0, 0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
    key: fc.constantFrom("a", "b"),
    blocks: fc.boolean(),
    makesReply: fc.boolean(),
  }),
  { minLength: 1, maxLength: 20 },
);

describe("A decision at once of a store in this process", () => {
  it("equals its reply to a request, and leaves the same state", () => {
    let atOnce = 0;
    fc.assert(
      fc.property(limiterArb, callsArb, (options, calls) => {
        const clock = new FakeClock();
        const stores = [new MemoryStore({ clock }), new MemoryStore({ clock })] as const;
        for (const { us, share, key, blocks, makesReply } of calls) {
          clock.set(clock.nowUs() + us);
          const one = { ...costing(target(options), share), key };
          const requested = take(stores[0], one);
          const decided = atOnceOn(stores[1], one, makesReply);
          if (decided !== undefined) atOnce++;
          assert.deepEqual(facts(decided ?? take(stores[1], one)), facts(requested));
          if (blocks) { for (const store of stores) store.execute({ op: "block", targets: [one], durationUs: us }); }
          assert.deepEqual(stores[1].statesOf(one), stores[0].statesOf(one));
        }
      }),
      { numRuns: runs(300) },
    );
    assert.ok(atOnce > 0);
  });

  it("equals what a request over several keys says of that key, where rules change, calls wait and give back", () => {
    const rates = limiterArb.filter(({ maxConcurrent }) => maxConcurrent === undefined);
    const beside: Target = { ...target({ ratePerSecond: 1e6, burst: 1e6 }), limiter: "beside" };
    const change = fc.record({
      us: fc.oneof(fc.constantFrom(0, 0, 1, 1_000), fc.nat(3_000_000)),
      share: fc.constantFrom(0, 0, 1),
      rules: fc.nat(1),
      waits: fc.boolean(),
      givesBack: fc.boolean(),
    });
    fc.assert(
      fc.property(rates, rates, fc.array(change, { maxLength: 30 }), (one, other, changes) => {
        const clock = new FakeClock();
        const stores = [new MemoryStore({ clock }), new MemoryStore({ clock })] as const;
        const targets = [target(one), target(other)] as const;
        for (const [i, { us, share, rules, waits, givesBack }] of changes.entries()) {
          clock.set(clock.nowUs() + us);
          const asked = { ...costing(targets[rules] as Target, share), key: "k" };
          const both = take(stores[0], asked, waits, { ...beside, key: `${i}` });
          const requested = { ...both, levels: both.levels.slice(0, 1) };
          const atOnce = waits ? undefined : atOnceOn(stores[1], asked, false);
          const decided = atOnce ?? take(stores[1], asked, waits);
          assert.deepEqual(facts(decided), facts(requested));
          if (givesBack && requested.status === "allowed") {
            const [back, same] = [requested, decided].map((reply) => marksOf([asked], reply));
            assert.deepEqual(same, back);
            for (const store of stores) store.execute({ op: "giveBack", targets: [asked], marks: back ?? [] });
          }
          assert.deepEqual(stores[1].statesOf(asked), stores[0].statesOf(asked));
        }
      }),
      { numRuns: runs(300) },
    );
  });

  it("does not exist for permits, and for a closed store", async () => {
    const store = new MemoryStore({ clock: new FakeClock() });
    for (const options of [{ ratePerSecond: 1, maxConcurrent: 1 }, { maxConcurrent: 1 }]) {
      assert.equal(store.takeAtOnce(target(options), "a", 1), undefined);
    }
    assert.equal(store.size, 0);
    await store.close();
    assert.equal(store.takeAtOnce(target({ ratePerSecond: 1 }), "a", 1), undefined);
    assert.throws(() => take(store, target({ ratePerSecond: 1 })), ClosedError);
  });
});

function atOnceOn(store: MemoryStore, one: Target, makesReply: boolean): TakeReply | undefined {
  const left = { nowUs: NaN, first: NaN, second: NaN };
  const decided = store.takeAtOnce(one, one.key, one.cost, makesReply ? undefined : left);
  if (decided !== true) return decided;
  const { nowUs, first, second } = left;
  return {
    status: "allowed",
    nowUs,
    waitUs: 0,
    arrivalUs: 0,
    levels: [{ rates: [[first, second]], slots: undefined }],
  };
}

function take(store: MemoryStore, one: Target, waits: boolean = false, ...more: Target[]): TakeReply {
  return store.execute({
    op: "take",
    mode: waits ? "wait" : "now",
    maxWaitUs: waits ? 1e12 : 0,
    arrivalUs: 0,
    id: "i.1.d.0.1.1",
    targets: [one, ...more],
  }) as TakeReply;
}

function facts({ status, nowUs, waitUs, levels }: TakeReply): object {
  return { status, nowUs, waitUs, levels };
}
