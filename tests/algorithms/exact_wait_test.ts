import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { runs } from "../_support/arbitraries.ts";
import { ALGORITHMS, callsArb, rateArb, shareArb, startArb, used } from "./_track.ts";

describe("The wait", () => {
  for (const algorithm of ALGORITHMS) {
    it(
      `of ${algorithm} is exact: denied until a microsecond before, allowed from then on`,
      { timeout: 300_000 },
      () => {
        const offsetArb = fc.double({ min: 0, max: 1, noNaN: true });
        fc.assert(
          fc.property(
            rateArb(algorithm),
            startArb,
            callsArb,
            shareArb,
            offsetArb,
            (limit, startUs, calls, share, part) => {
              const { track } = used(limit, startUs, calls);
              const cost = track.cost(share);
              const atUs = track.earliest(cost);
              const fromUs = track.nowUs;
              for (const denied of [fromUs, fromUs + Math.floor(part * (atUs - fromUs)), atUs - 1]) {
                if (denied < fromUs || denied >= atUs) continue;
                track.nowUs = denied;
                assert.equal(track.earliest(cost), atUs, `asked at ${denied}`);
              }
              for (const allowed of [atUs, atUs + 1, atUs + Math.floor(part * track.spanUs)]) {
                track.nowUs = allowed;
                assert.equal(track.earliest(cost), allowed, `allowed from ${atUs} on`);
              }
            },
          ),
          { numRuns: runs(4_000) },
        );
      },
    );
  }
});
