import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import type { LimiterOptions } from "../../mod.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { Fleet, holdToLaws, total } from "./_fleet.ts";

const HOUR_MS = 3_600_000;
const TRIES = 200;

/** Rules of 50 units that gain nothing while a test runs. */
const RULES: readonly (readonly [name: string, options: LimiterOptions])[] = [
  ["a token bucket", { limit: 50, windowMs: 10 * HOUR_MS }],
  ["a bucket of another rate", { limit: 70, windowMs: 10 * HOUR_MS, burst: 50 }],
  ["an exact window", { algorithm: "sliding_window", limit: 50, windowMs: HOUR_MS }],
  ["a fixed window", { algorithm: "fixed_window", limit: 50, windowMs: HOUR_MS }],
  ["two limits", {
    limits: [{ algorithm: "sliding_window", limit: 50, windowMs: HOUR_MS }, { limit: 90, windowMs: 10 * HOUR_MS }],
  }],
];

describe("Old and new processes that try at once", () => {
  let fleets: readonly [Fleet, Fleet];
  before(async () => void (fleets = await Promise.all([Fleet.start("try_worker", 2), Fleet.start("try_worker", 2)])));
  after(async () => {
    await using one = fleets[0];
    await using other = fleets[1];
    for (const fleet of [one, other]) {
      await fleet.end(/has other rules in other processes|has the same rules everywhere again/);
    }
  });

  for (const [before, old] of RULES) {
    for (const [now, options] of RULES) {
      if (old === options) continue;
      it(`admit what one of them does, with ${before} before and ${now} now`, { timeout: 60_000 }, async () => {
        const [url, prefix] = [redisUrl(), freshPrefix()];
        const work = { tries: TRIES, ids: ["api"] };
        const reports = await Promise.all([
          fleets[0].run({ url, prefix, limiters: { api: { ...old, denyCacheMs: 0 } } }, work),
          fleets[1].run({ url, prefix, limiters: { api: { ...options, denyCacheMs: 0 } } }, work),
        ]);
        holdToLaws(reports.flat());
        assert.equal(total(reports.flat(), "allowed"), 50);
      });
    }
  }
});
