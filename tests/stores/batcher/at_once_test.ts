import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { ClosedError } from "../../../src/base/errors.ts";
import { MemoryStore } from "../../../src/stores/memory/mod.ts";
import { type LocalLease, marksOf, type TakeReply, type Target } from "../../../src/stores/store.ts";
import { waiterId } from "../../../src/stores/waiter_id.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import { limiterArb, runs } from "../../_support/arbitraries.ts";
import { costing, target } from "../_lab.ts";

const MICROSECONDS = fc.oneof(fc.constantFrom(0, 0, 1, 1_000), fc.nat(3_000_000));

describe("What the memory store decides on one key", () => {
  it("is what a request over several keys is answered for that one, where rules change, calls wait and give back", () => {
    const rates = limiterArb.filter(({ maxConcurrent }) => maxConcurrent === undefined);
    const beside: Target = { ...target({ ratePerSecond: 1e6, burst: 1e6 }), limiter: "beside" };
    const change = fc.record({
      us: MICROSECONDS,
      share: fc.constantFrom(0, 0, 1),
      rules: fc.nat(1),
      waits: fc.boolean(),
      givesBack: fc.boolean(),
      blockUs: fc.constantFrom(undefined, undefined, undefined, 0, 1_000),
    });
    fc.assert(
      fc.property(rates, rates, fc.array(change, { maxLength: 30 }), (one, other, changes) => {
        const clock = new FakeClock();
        const stores = [new MemoryStore({ clock }), new MemoryStore({ clock })] as const;
        const targets = [target(one), target(other)] as const;
        for (const [i, { us, share, rules, waits, givesBack, blockUs }] of changes.entries()) {
          clock.set(clock.nowUs() + us);
          const asked = { ...costing(targets[rules] as Target, share), key: "k" };
          const both = take(stores[0], asked, waits, { ...beside, key: `${i}` });
          const requested = { ...both, levels: both.levels.slice(0, 1).map(({ blockedUs: _, ...level }) => level) };
          const decided = take(stores[1], asked, waits);
          assert.deepEqual(facts(decided), facts(requested));
          if (givesBack && requested.status === "allowed") {
            const [back, same] = [requested, decided].map((reply) => marksOf([asked], reply));
            assert.deepEqual(same, back);
            for (const store of stores) store.execute({ op: "giveBack", targets: [asked], marks: back ?? [] });
          }
          if (blockUs !== undefined) {
            for (const store of stores) store.execute({ op: "block", targets: [asked], durationUs: blockUs });
          }
          assert.deepEqual(stores[1].statesOf(asked), stores[0].statesOf(asked));
        }
      }),
      { numRuns: runs(300) },
    );
  });

  it("is the same for permits with an id and for those that are known to their holder alone", () => {
    const permits = limiterArb.filter(({ maxConcurrent }) => maxConcurrent !== undefined);
    const step = fc.record({
      us: MICROSECONDS,
      rules: fc.nat(1),
      does: fc.constantFrom("take", "take", "take", "release", "renew"),
      which: fc.nat(3),
    });
    let leases = 0;
    fc.assert(
      fc.property(permits, permits, fc.array(step, { maxLength: 30 }), (one, other, steps) => {
        const clock = new FakeClock();
        const [named, alone] = [new MemoryStore({ clock }), new MemoryStore({ clock })];
        const targets = [target(one), target(other)].map((each): Target => ({ ...each, key: "k" }));
        const held: { readonly id: string; readonly lease: LocalLease; readonly rules: number }[] = [];
        for (const [sequence, { us, rules, does, which }] of steps.entries()) {
          clock.set(clock.nowUs() + us);
          if (does === "take") {
            const asked = targets[rules] as Target;
            const { permits, cost, policy: { leaseTtlUs } } = asked;
            const parts = { instance: "i", sequence, direct: true, maxWaitUs: 0, permits, cost, leaseTtlUs };
            const id = waiterId(parts);
            const request = { op: "take", mode: "now", targets: [asked], maxWaitUs: 0, arrivalUs: 0 } as const;
            const reply = named.execute({ ...request, id }) as TakeReply;
            const same = alone.execute({ ...request, id: "" }) as TakeReply;
            assert.deepEqual(facts(same), facts(reply));
            assert.equal(same.lease !== undefined, reply.status === "allowed");
            if (same.lease !== undefined) held.push({ id, lease: same.lease, rules });
            continue;
          }
          const [holder] = held.slice(which % Math.max(held.length, 1));
          if (holder === undefined) continue;
          leases++;
          const { id, lease } = holder;
          const asked = targets[holder.rules] as Target;
          if (does === "release") {
            named.execute({ op: "release", targets: [asked], id });
            lease.release(asked);
          } else {
            const { counts } = named.execute({ op: "renew", targets: [asked], id }) as { counts: readonly number[] };
            assert.equal(lease.renew(asked), counts[0] === 1);
          }
        }
      }),
      { numRuns: runs(300) },
    );
    assert.ok(leases > 0);
  });

  it("is nothing any more once it is closed", async () => {
    const store = new MemoryStore({ clock: new FakeClock() });
    await store.close();
    assert.throws(() => take(store, target({ ratePerSecond: 1 })), ClosedError);
  });
});

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
