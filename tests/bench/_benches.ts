/**
 * Runs benches with tiny counts, which shows that they run, and measures nothing.
 *
 * @module
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { BENCHES, type Report, type Row } from "../../bench/mod.ts";
import { redisUrl } from "../_support/redis.ts";

/** What a bench may leave out: a program that is not installed, and what a newer version brings. */
const MAY_BE_MISSING = /^redis-benchmark|not available/;

function isMeasured(row: Row): boolean {
  return Object.values(row).some((value) => typeof value === "number" && value > 0);
}

async function quickly(name: string): Promise<Report> {
  const bench = BENCHES[name];
  assert.ok(bench !== undefined);
  return await bench({ url: redisUrl(), quick: true });
}

/**
 * Describes that benches measure what they name.
 *
 * @param isAbout Whether a bench is one of them.
 */
export function describeBenches(isAbout: (name: string) => boolean): void {
  describe("the benches, with tiny counts", () => {
    for (const name of Object.keys(BENCHES).filter(isAbout)) {
      it(`measure each row that ${name} names`, async () => {
        const { rows, claims, notes } = await quickly(name);
        assert.deepEqual(rows.filter((row) => !isMeasured(row)), []);
        assert.deepEqual(notes.filter((note) => note.includes("does not run here") && !MAY_BE_MISSING.test(note)), []);
        if (notes.some((note) => MAY_BE_MISSING.test(note))) return;
        assert.ok(rows.length > 0);
        assert.deepEqual(claims.filter(({ measured }) => measured === null), []);
      });
    }
  });
}

/** Benches of what happens inside one process. The others are about servers. */
export const OF_PROCESSES: readonly string[] = ["imports", "memory", "permits", "simulate", "start", "walk"];
