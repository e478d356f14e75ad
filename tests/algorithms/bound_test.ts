import { describe, it } from "node:test";

import fc from "fast-check";

import { runs } from "../_support/arbitraries.ts";
import { assertBound } from "./_bounds.ts";
import { ALGORITHMS, callsArb, rateArb, startArb, Track, used } from "./_track.ts";

describe("The bound", () => {
  for (const algorithm of ALGORITHMS) {
    it(`of ${algorithm} holds for calls that are denied and calls that wait`, () => {
      fc.assert(
        fc.property(rateArb(algorithm), startArb, callsArb, (limit, startUs, calls) => {
          assertBound(limit, used(limit, startUs, calls).grants);
        }),
        { numRuns: runs(4_000) },
      );
    });

    it(`of ${algorithm} holds when another limit makes calls wait longer`, () => {
      const laterArb = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 2.5, noNaN: true })), {
        minLength: 50,
        maxLength: 50,
      });
      fc.assert(
        fc.property(rateArb(algorithm), startArb, callsArb, laterArb, (limit, startUs, calls, later) => {
          const track = new Track(limit, startUs);
          const grants = calls.flatMap(({ move, share, waits }, i) => {
            track.move(move);
            const cost = track.cost(share);
            const grant = waits
              ? track.reserve(cost, Math.floor((later[i] as number) * track.spanUs))
              : track.take(cost);
            return grant ?? [];
          });
          assertBound(limit, grants);
        }),
        { numRuns: runs(4_000) },
      );
    });
  }
});
