import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { RateAlgorithm, RateLimit } from "../../../src/algorithms/limit.ts";
import { exploreChangedRules } from "../../_support/enumeration/changed_rules.ts";
import { compiled, SECOND_LIMITS, SMALL_LIMITS } from "../../_support/enumeration/limits.ts";
import { ALGORITHMS } from "../_track.ts";

/** How deep the search goes in the time that the suite has; ENUMERATION_DEPTH sets another depth. */
const DEPTH = Number(process.env["ENUMERATION_DEPTH"] ?? 11);

function explore(first: RateAlgorithm, second: RateAlgorithm): { violation: string | undefined; worlds: number } {
  const rules = compiled([SMALL_LIMITS[first], SECOND_LIMITS[second]]) as [RateLimit, RateLimit];
  return exploreChangedRules({ rules, passUs: 2, depth: DEPTH });
}

describe("Every schedule of takes by two versions of a rule", () => {
  for (const first of ALGORITHMS) {
    for (const second of ALGORITHMS) {
      if (first === "sliding_window" && second === "token_bucket") continue; // below
      it(`admits at most the larger bound: ${first} of 3, ${second} of 2`, (context) => {
        const { violation, worlds } = explore(first, second);
        context.diagnostic?.(`${worlds} worlds to depth ${DEPTH}`);
        assert.equal(violation, undefined);
      });
    }
  }

  // A known limit: a bucket does not remember units that it has refilled, and an exact window still counts them. To
  // remember them, every bucket would need a log, in case its rules change. In Redis that is so only until both rules have
  // met the key: from then on the window counts every unit itself (tests/stores/mixed_rules/mixed_rules_test.ts).
  it("admits a unit more where an exact window takes over from a slower bucket that has refilled it", () => {
    const { violation } = explore("sliding_window", "token_bucket");
    const schedule = "version 2 takes 2; +2 µs; +2 µs; version 1 takes 2";
    assert.equal(violation, `${schedule}: 4 units in 4 µs, where the larger of the bounds is 3`);
  });
});
