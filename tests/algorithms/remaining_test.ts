import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { rateStatus } from "../../src/policy/status.ts";
import { runs } from "../_support/arbitraries.ts";
import { ALGORITHMS, callsArb, rateArb, startArb, used } from "./_track.ts";

describe("What is told of", () => {
  for (const algorithm of ALGORITHMS) {
    it(`${algorithm} as remaining is exactly the largest cost that is allowed now`, () => {
      fc.assert(
        fc.property(rateArb(algorithm), startArb, callsArb, (limit, startUs, calls) => {
          const { track } = used(limit, startUs, calls);
          assert.equal(rateStatus("api", limit, track.level()).remaining, track.room());
        }),
        { numRuns: runs(4_000) },
      );
    });

    it(`${algorithm} as the time of its reset is when everything is free again, to the microsecond at most`, () => {
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
