import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import fc from "fast-check";

import { marksOf, type TakeReply, type Target } from "../../../src/stores/store.ts";
import { assertBound } from "../../algorithms/_bounds.ts";
import type { Grant } from "../../algorithms/_track.ts";
import { limitArb, limiterArb, runs } from "../../_support/arbitraries.ts";
import { assertPipelined } from "../../_support/properties.ts";
import { plain } from "../../_support/store_parity.ts";
import { Connections, costing, ENGINES, Lab, target } from "../_lab.ts";

/** Calls to come: how far the clock moves, how much is taken, whether it may be for later. */
const callsArb = fc.array(
  fc.record({
    us: fc.oneof(fc.constantFrom(0, 0, 1, 2, 1_000), fc.nat(3_000_000)),
    share: fc.oneof(fc.constantFrom(0, 0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
    waits: fc.boolean(),
  }),
  { minLength: 1, maxLength: 15 },
);
type Call = { readonly us: number; readonly share: number; readonly waits: boolean };

/** Several targets of different limiters and keys, to be taken from together. */
const targetsArb = fc.array(limiterArb, { minLength: 2, maxLength: 4 })
  .map((all) => all.map((options, i) => target(options, { limiter: `l${i >> 1}`, key: i % 2 ? `k${i}` : undefined })))
  .map((all) => all.map((one) => ({ ...one, limiter: `${one.limiter}:${one.policy.capacity}` })));

for (const engine of ENGINES) {
  describe(`The laws of a store, in ${engine}`, () => {
    let connections: Connections;
    before(async () => void (connections = await Connections.open()));
    after(() => connections.close());

    async function used(one: Target, calls: readonly Call[]): Promise<{ lab: Lab; grants: Grant[] }> {
      const lab = new Lab(engine, connections);
      const grants: Grant[] = [];
      for (const { us, share, waits } of calls) {
        lab.pass(us);
        const asked = costing(one, share);
        const reply = await lab.take(waits && one.permits === 0 ? "wait" : "now", asked);
        if (reply.status !== "allowed") continue;
        const [[mark]] = marksOf([asked], reply) as [[Grant["mark"]]];
        grants.push({
          taken: asked.cost,
          cost: asked.cost,
          nowUs: reply.nowUs,
          atUs: reply.nowUs + reply.waitUs,
          mark,
        });
      }
      return { lab, grants };
    }

    function law(name: string, property: fc.IAsyncProperty<never> | fc.IAsyncProperty<unknown>, usual = 150): void {
      it(
        name,
        { timeout: 120_000 },
        () => assertPipelined(property as fc.IAsyncProperty<unknown>, { numRuns: runs(usual) }),
      );
    }

    const single = limitArb.map((options) => target(options));
    const any = limiterArb.map((options) => target(options));

    law(
      "the bound holds",
      fc.asyncProperty(single, callsArb, async (one, calls) => {
        assertBound(one.policy.rates[0] as never, (await used(one, calls)).grants);
      }) as never,
    );

    law(
      "a denial writes nothing, and neither does a peek, which tells what a take does",
      fc.asyncProperty(any, callsArb, async (one, calls) => {
        const { lab } = await used(one, calls);
        for (const share of [0, 0.5, 1]) {
          const asked = costing(one, share);
          const stored = await lab.dump([one]);
          const peeked = await lab.take("peek", asked);
          assert.equal(await lab.dump([one]), stored, "a peek");
          const taken = await lab.take("now", asked);
          assert.equal(taken.status, peeked.status);
          assert.equal(taken.waitUs, peeked.waitUs);
          if (taken.status === "allowed") continue;
          assert.deepEqual(plain(taken), plain(peeked));
          assert.equal(await lab.dump([one]), stored, "a denial");
        }
      }) as never,
    );

    law(
      "the wait is exact, for one target and for several",
      fc.asyncProperty(fc.oneof(any.map((one) => [one]), targetsArb), callsArb, async (all, calls) => {
        const lab = new Lab(engine, connections);
        for (const { us, share } of calls) {
          lab.pass(us);
          const asked = all.map((one) => costing(one, share));
          const reply = await lab.take("now", ...asked);
          if (reply.status === "allowed") continue;
          assert.ok(reply.waitUs > 0);
          lab.pass(reply.waitUs - 1);
          assert.notEqual((await lab.take("now", ...asked)).status, "allowed");
          lab.pass(1);
          assert.equal((await lab.take("now", ...asked)).status, "allowed");
        }
      }) as never,
    );

    law(
      "a cost of n is admitted exactly when n costs of 1 are",
      fc.asyncProperty(limiterArb, callsArb, fc.nat(100), async (options, calls, share) => {
        const [whole, single] = [target(options, { key: "whole", permits: 0 }), target(options, { key: "single" })];
        if (whole.policy.rates.length === 0 || whole.policy.maxConcurrent > 0) return;
        const lab = new Lab(engine, connections);
        for (const call of calls) {
          lab.pass(call.us);
          const both = [costing(whole, call.share), costing(single, call.share)];
          for (const one of both) await lab.take("now", one);
        }
        const { cost } = costing(whole, share / 100);
        const taken = await lab.take("now", { ...whole, cost });
        let units = 0;
        while (units < cost && (await lab.take("now", single)).status === "allowed") units++;
        assert.equal(taken.status === "allowed", units === cost);
      }) as never,
    );

    law(
      "several targets are taken from all, or from none",
      fc.asyncProperty(targetsArb, callsArb, async (all, calls) => {
        const lab = new Lab(engine, connections);
        for (const { us, share } of calls) {
          lab.pass(us);
          const asked = all.map((one) => costing(one, share));
          const dumps = () => Promise.all(all.map((one) => lab.dump([one])));
          const stored = await dumps();
          const alone: TakeReply[] = [];
          for (const one of asked) alone.push(await lab.take("peek", one));
          const reply = await lab.take("now", ...asked);
          assert.equal(reply.status === "allowed", alone.every(({ status }) => status === "allowed"));
          const after = await dumps();
          if (reply.status !== "allowed") assert.deepEqual(after, stored);
          else {
            for (const [i, { policy }] of all.entries()) {
              if (policy.rates.length > 0) assert.notEqual(after[i], stored[i], `nothing was taken from target ${i}`);
              if (policy.maxConcurrent > 0) assert.ok((reply.levels[i]?.permits?.fence ?? 0) > 0);
            }
          }
        }
      }) as never,
    );

    law(
      "a batch does the same as its requests one by one",
      fc.asyncProperty(fc.array(limiterArb, { minLength: 1, maxLength: 3 }), callsArb, async (limiters, calls) => {
        const all = limiters.map((options, i) => target(options, { limiter: `l${i}` }));
        const [batched, alone] = [new Lab(engine, connections), new Lab(engine, connections)];
        const requests = calls.map(({ share, waits }, i) => {
          const asked = costing(all[i % all.length] as Target, share);
          return batched.request(waits && asked.permits === 0 ? "wait" : "now", [asked]);
        });
        const replies = await Promise.all(requests.map((request) => batched.store.execute(request)));
        for (const [i, request] of requests.entries()) {
          assert.deepEqual(plain(replies[i] as TakeReply), plain(await alone.ask(request)));
        }
      }) as never,
    );

    if (engine === "redis") {
      law(
        "a clock that steps back never grants more",
        fc.asyncProperty(any, callsArb, fc.constantFrom(1, 1_000, 5_000_000, 1e12), async (one, calls, backUs) => {
          const { lab } = await used(one, calls);
          const denied = [];
          for (const share of [0, 0.5, 1]) {
            if ((await lab.take("peek", costing(one, share))).status !== "allowed") denied.push(costing(one, share));
          }
          lab.pass(-backUs);
          for (const asked of denied) assert.notEqual((await lab.take("peek", asked)).status, "allowed");
        }) as never,
      );
    }

    law(
      "a block denies whatever is asked, and one that is lifted is as if it had never been",
      fc.asyncProperty(any, callsArb, async (one, calls) => {
        const { lab } = await used(one, calls);
        const before = await lab.take("peek", one);
        await lab.ask({ op: "block", targets: [one], durationUs: 1_000_000, keepLonger: false });
        assert.notEqual((await lab.take("now", one)).status, "allowed");
        await lab.ask({ op: "block", targets: [one], durationUs: 0, keepLonger: false });
        assert.deepEqual(await lab.take("peek", one), before);
      }) as never,
    );

    law(
      "a limiter whose numbers change keeps the units that were counted",
      fc.asyncProperty(fc.nat(1_000), fc.nat(1_000), callsArb, async (a, b, calls) => {
        const [before, after] = [a, b].map((n) => target({ ratePerSecond: 1_000 + n, burst: 5 })) as [Target, Target];
        const { lab } = await used(before, calls);
        const [old] = (await lab.take("peek", before)).levels;
        const [changed] = (await lab.take("peek", after)).levels;
        const [oldUs, changedUs] = [old, changed].map((level) => (level?.rates[0] as readonly [number, number])[0]);
        const [oldUnitUs, unitUs] = [a, b].map((n) => 1e6 / (1_000 + n)) as [number, number];
        const units = (oldUs as number) / oldUnitUs;
        const what = `${changedUs} µs, after ${units} units`;
        // An instant that is promised stays.
        assert.ok((changedUs as number) <= Math.max(Math.ceil(units + 0.01) * unitUs, oldUs as number) + 2, what);
        // A part was refilled at the old rate; and nothing is longer than a full refill behind the last promised instant.
        const leastUs = Math.min((units - 2) * unitUs, (oldUs as number) + 5 * (unitUs - oldUnitUs)) - 2;
        assert.ok((changedUs as number) >= leastUs, what);
      }) as never,
    );

    it("a limiter that counts in another way goes on from what was counted", async () => {
      const limits = (["token_bucket", "fixed_window", "sliding_window", "sliding_window_counter"] as const)
        .map((algorithm) => target({ algorithm, limit: 1, windowMs: 60_000 }));
      for (const before of limits) {
        for (const after of limits.filter((other) => other !== before)) {
          const lab = new Lab(engine, connections);
          assert.equal((await lab.take("now", before)).status, "allowed");
          assert.equal((await lab.take("now", before)).status, "rate");
          assert.equal((await lab.take("now", after)).status, "rate");
          assert.equal((await lab.take("now", before)).status, "rate");
        }
      }
    });
  });
}
