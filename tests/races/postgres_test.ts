import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import type { LimiterOptions } from "../../mod.ts";
import { dropSchema, freshSchema, postgresUrl } from "../_support/postgres.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { Fleet, type Shared, total } from "./_fleet.ts";

const PROCESSES = 4;
const TRIES = 50;
const HOUR_MS = 3_600_000;

/** Limits that gain nothing while a test runs: all that is admitted is what they hold. */
const LIMITS: readonly [name: string, options: LimiterOptions, admits: number][] = [
  ["a token bucket", { limit: 50, windowMs: 10 * HOUR_MS, denyCacheMs: 0 }, 50],
  ["a token bucket whose rate has a rest", { limit: 49, windowMs: 10 * HOUR_MS, denyCacheMs: 0 }, 49],
];

describe(`${PROCESSES} processes on PostgreSQL`, () => {
  const schema = freshSchema();
  let fleet: Fleet;
  before(async () => void (fleet = await Fleet.start("try_worker", PROCESSES)));
  after(async () => {
    await fleet.end();
    await fleet[Symbol.asyncDispose]();
    await dropSchema(schema);
  });

  function shared(limiters: Record<string, LimiterOptions>): Shared {
    return { url: redisUrl(), postgres: { url: postgresUrl(), schema }, prefix: freshPrefix(), limiters };
  }

  for (const [i, [name, options, admits]] of LIMITS.entries()) {
    it(`admit exactly what the law allows, with ${name}`, async () => {
      const reports = await fleet.run(shared({ [`api${i}`]: options }), { tries: TRIES, ids: [`api${i}`] });
      assert.equal(total(reports, "allowed"), admits);
    });
  }
});
