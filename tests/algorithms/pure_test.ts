import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { runs } from "../_support/arbitraries.ts";
import { ALGORITHMS, callsArb, rateArb, shareArb, startArb, Track, used } from "./_track.ts";

describe("A peek", () => {
  for (const algorithm of ALGORITHMS) {
    it(`at ${algorithm} changes nothing, and returns what a take then returns`, () => {
      fc.assert(
        fc.property(rateArb(algorithm), startArb, callsArb, shareArb, (limit, startUs, calls, share) => {
          const { track } = used(limit, startUs, calls);
          const before = structuredClone(track.state);
          const cost = track.cost(share);
          const atUs = track.earliest(cost);
          track.level();
          track.kernel.freshFromUs(track.state, limit);
          assert.deepEqual(track.state, before);
          assert.equal(track.take(cost) !== undefined, atUs <= track.nowUs);
        }),
        { numRuns: runs(2_000) },
      );
    });

    it(`at a fresh ${algorithm} says that no unit is used`, () => {
      fc.assert(
        fc.property(rateArb(algorithm), startArb, (limit, startUs) => {
          const track = new Track(limit, startUs);
          assert.equal(track.level()[0], 0);
          assert.equal(track.earliest(limit.capacity), startUs);
        }),
        { numRuns: runs(500) },
      );
    });
  }
});

describe("Deleting the state of", () => {
  for (const algorithm of ALGORITHMS) {
    it(`${algorithm} when it equals a fresh one changes no decision`, () => {
      fc.assert(
        fc.property(rateArb(algorithm), startArb, callsArb, callsArb, fc.nat(3), (limit, startUs, past, future, us) => {
          const { track } = used(limit, startUs, past);
          const freshUs = track.kernel.freshFromUs(track.state, limit);
          track.nowUs = Math.max(track.nowUs, freshUs) + us;
          const fresh = new Track(limit, track.nowUs);
          for (const { move, share, waits } of future) {
            const cost = track.cost(share);
            assert.equal(track.room(), fresh.room());
            assert.equal(track.level()[0], fresh.level()[0]);
            if (waits) assert.deepEqual(track.reserve(cost), fresh.reserve(cost));
            else assert.deepEqual(track.take(cost), fresh.take(cost));
            track.move(move);
            fresh.nowUs = track.nowUs;
          }
        }),
        { numRuns: runs(2_000) },
      );
    });
  }
});
