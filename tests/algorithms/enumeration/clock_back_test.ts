import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { RateLimit } from "../../../src/algorithms/limit.ts";
import { exploreClockBack } from "../../_support/enumeration/clock_back.ts";
import { compiled, passUs, SMALL_LIMITS, type SmallLimit } from "../../_support/enumeration/limits.ts";

/** How deep the search goes in the time that the suite has; ENUMERATION_DEPTH sets another depth. */
const DEPTH = Number(process.env["ENUMERATION_DEPTH"] ?? 6);

describe("Every schedule in which the store's clock steps back", () => {
  for (const name of Object.keys(SMALL_LIMITS) as SmallLimit[]) {
    it(`keeps waits and admitted units within the laws: ${name}`, (context) => {
      const limits = [SMALL_LIMITS[name]];
      const [limit] = compiled(limits) as [RateLimit];
      const search = { limit, passUs: passUs(limits), backsUs: [1, 3, 20, 1_000], maxBacks: 2, depth: DEPTH };
      const { violation, worlds } = exploreClockBack(search);
      context.diagnostic?.(`${worlds} worlds to depth ${DEPTH}`);
      assert.equal(violation, undefined);
    });
  }
});
