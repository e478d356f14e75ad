import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { explore } from "../../_support/enumeration/explore.ts";
import { compiled, passUs, SMALL_LIMITS, type SmallLimit } from "../../_support/enumeration/limits.ts";

/** How deep the search goes in the time that the suite has; ENUMERATION_DEPTH sets another depth. */
const DEPTHS: Readonly<Record<SmallLimit, number>> = {
  token_bucket: 10,
  "token_bucket of 3 in 7 µs": 9,
  sliding_window: 10,
  sliding_window_counter: 10,
  fixed_window: 10,
};

describe("Every schedule of takes, waits, give-backs and time on one limit", () => {
  for (const [name, usual] of Object.entries(DEPTHS) as [SmallLimit, number][]) {
    const depth = Number(process.env["ENUMERATION_DEPTH"] ?? usual);
    it(`keeps to the laws: ${name}`, (context) => {
      const limits = [SMALL_LIMITS[name]];
      const found = explore({ limits: compiled(limits), costs: [1, 2], passUs: passUs(limits), depth });
      context.diagnostic(`${found.tried} schedules, ${found.worlds} worlds to depth ${depth}`);
      assert.equal(found.violation, undefined);
    });
  }
});
