import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { runs } from "../_support/arbitraries.ts";
import { assertBound } from "./_bounds.ts";
import { ALGORITHMS, callsArb, type Grant, rateArb, startArb, Track, used } from "./_track.ts";

const backArb = fc.oneof(fc.constantFrom(1, 2, 1_000), fc.nat(3_000_000), fc.nat(1e12));

describe("A clock that steps back", () => {
  for (const algorithm of ALGORITHMS) {
    it(`leaves no more room in ${algorithm} than there was`, () => {
      fc.assert(
        fc.property(rateArb(algorithm), startArb, callsArb, backArb, (limit, startUs, calls, backUs) => {
          const { track } = used(limit, startUs, calls);
          const room = track.room();
          track.nowUs -= backUs;
          assert.ok(track.room() <= room, `${track.room()} is more than ${room}`);
        }),
        { numRuns: runs(2_000) },
      );
    });

    it(`never makes ${algorithm} grant more than the time that has really passed allows`, () => {
      const backsArb = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: backArb }), {
        minLength: 50,
        maxLength: 50,
      });
      fc.assert(
        fc.property(rateArb(algorithm), startArb, callsArb, backsArb, (limit, startUs, calls, backs) => {
          const track = new Track(limit, startUs);
          const grants: Grant[] = [];
          let latestUs = 0;
          for (const [i, { move, share }] of calls.entries()) {
            track.move(move);
            track.nowUs -= backs[i] as number;
            const grant = track.take(track.cost(share));
            if (grant === undefined) continue;
            // Real time is at least the latest reading at which anything was granted.
            latestUs = Math.max(latestUs, grant.atUs);
            grants.push({ ...grant, atUs: latestUs });
          }
          assertBound(limit, grants);
        }),
        { numRuns: runs(2_000) },
      );
    });
  }
});
