import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { runs } from "../_support/arbitraries.ts";
import { ALGORITHMS, callsArb, rateArb, shareArb, startArb, used } from "./_track.ts";

describe("Reservations", () => {
  for (const algorithm of ALGORITHMS) {
    it(`of ${algorithm} are served in the order in which they came`, () => {
      const sharesArb = fc.array(shareArb, { minLength: 2, maxLength: 30 });
      fc.assert(
        fc.property(rateArb(algorithm), startArb, callsArb, sharesArb, (limit, startUs, calls, shares) => {
          const { track } = used(limit, startUs, calls);
          const instants = shares.map((share) => track.reserve(track.cost(share)).atUs);
          assert.deepEqual(instants, instants.toSorted((a, b) => a - b));
        }),
        { numRuns: runs(2_000) },
      );
    });

    it(`of ${algorithm} are never overtaken by a call that does not wait`, () => {
      fc.assert(
        fc.property(rateArb(algorithm), startArb, callsArb, shareArb, (limit, startUs, calls, share) => {
          const { track, grants } = used(limit, startUs, calls);
          const lastUs = Math.max(0, ...grants.map(({ atUs }) => atUs));
          if (lastUs > track.nowUs) assert.equal(track.take(track.cost(share)), undefined);
        }),
        { numRuns: runs(2_000) },
      );
    });
  }
});
