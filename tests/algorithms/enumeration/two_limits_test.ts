import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { explore } from "../../_support/enumeration/explore.ts";
import { compiled, SECOND_LIMITS, SMALL_LIMITS } from "../../_support/enumeration/limits.ts";
import { ALGORITHMS } from "../_track.ts";

/** How deep the search goes in the time that the suite has; ENUMERATION_DEPTH sets another depth. */
const DEPTH = Number(process.env["ENUMERATION_DEPTH"] ?? 10);

describe("Every schedule of takes, waits, give-backs and time on two limits that decide together", () => {
  for (const first of ALGORITHMS) {
    for (const second of ALGORITHMS) {
      it(`keeps to the laws: ${first} of 3, ${second} of 2`, (context) => {
        const limits = compiled([SMALL_LIMITS[first], SECOND_LIMITS[second]]);
        const found = explore({ limits, costs: [1, 2], passUs: 2, depth: DEPTH });
        context.diagnostic(`${found.tried} schedules, ${found.worlds} worlds to depth ${DEPTH}`);
        assert.equal(found.violation, undefined);
      });
    }
  }
});
