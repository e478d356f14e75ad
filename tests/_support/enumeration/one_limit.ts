/**
 * The test of every schedule on one limit.
 *
 * @module
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { explore } from "./explore.ts";
import { compiled, passUs, SMALL_LIMITS, type SmallLimit } from "./limits.ts";

/** Tries some limits, each alone. ENUMERATION_DEPTH searches to another depth than what the suite has time for. */
export function describeOneLimit(depths: Readonly<Partial<Record<SmallLimit, number>>>): void {
  describe("Every schedule of takes, waits, give-backs and time on one limit", () => {
    for (const [name, usual] of Object.entries(depths) as [SmallLimit, number][]) {
      const depth = Number(process.env["ENUMERATION_DEPTH"] ?? usual);
      it(`keeps to the laws: ${name}`, (context) => {
        const limits = [SMALL_LIMITS[name]];
        const found = explore({ limits: compiled(limits), costs: [1, 2], passUs: passUs(limits), depth });
        context.diagnostic?.(`${found.tried} schedules, ${found.worlds} worlds to depth ${depth}`);
        assert.equal(found.violation, undefined);
      });
    }
  });
}
