import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { runs } from "../_support/arbitraries.ts";
import { ALGORITHMS, callsArb, rateArb, shareArb, startArb, used } from "./_track.ts";

describe("A cost of n", () => {
  for (const algorithm of ALGORITHMS) {
    it(`is admitted by ${algorithm} exactly when n costs of 1 are, and leaves the same behind`, () => {
      fc.assert(
        fc.property(rateArb(algorithm), startArb, callsArb, shareArb, (limit, startUs, calls, share) => {
          const { track } = used(limit, startUs, calls);
          const cost = track.cost(share);
          const [whole, single] = [track.fork(), track.fork()];
          const before = single.level();
          let units = 0;
          while (units < cost && single.take(1) !== undefined) units++;
          const grant = whole.take(cost);
          assert.equal(grant !== undefined, units === cost);
          assert.deepEqual(whole.level(), grant === undefined ? before : single.level());
          if (grant !== undefined) assert.equal(whole.earliest(cost), single.earliest(cost));
        }),
        { numRuns: runs(2_500) },
      );
    });
  }
});
