import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { rateStatus } from "../../src/policy/status.ts";
import { runs } from "../_support/arbitraries.ts";
import { ALGORITHMS, callsArb, rateArb, startArb, used } from "./_track.ts";

describe("A status of", () => {
  for (const algorithm of ALGORITHMS) {
    it(`${algorithm} has as remaining the largest cost that is allowed now`, () => {
      fc.assert(
        fc.property(rateArb(algorithm), startArb, callsArb, (limit, startUs, calls) => {
          const { track } = used(limit, startUs, calls);
          assert.equal(rateStatus("api", limit, track.level()).remaining, track.room());
        }),
        { numRuns: runs(4_000) },
      );
    });

    it(`${algorithm} has as reset the time at which all units are free, to a microsecond`, () => {
      fc.assert(
        fc.property(rateArb(algorithm), startArb, callsArb, (limit, startUs, calls) => {
          const { track } = used(limit, startUs, calls);
          const resetUs = Math.round(rateStatus("api", limit, track.level()).resetAfterMs * 1_000);
          track.nowUs += resetUs;
          assert.equal(track.room(), limit.capacity);
        }),
        { numRuns: runs(2_000) },
      );
    });
  }
});
