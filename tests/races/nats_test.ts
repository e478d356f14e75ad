import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import type { LimiterOptions } from "../../mod.ts";
import { redisUrl } from "../_support/redis.ts";
import { anyNats, freshStreamPrefix } from "../stores/nats/_nats.ts";
import { Fleet, type Shared, total } from "./_fleet.ts";

const PROCESSES = 4;
const TRIES = 100;
const HOUR_MS = 3_600_000;

/** Limits that gain nothing while a test runs: all that is admitted is what they hold. */
const LIMITS: readonly [name: string, options: LimiterOptions, admits: number][] = [
  ["a token bucket", { limit: 50, windowMs: 10 * HOUR_MS }, 50],
  ["a sliding window", { algorithm: "sliding_window", limit: 50, windowMs: HOUR_MS }, 50],
  ["several limits", {
    limits: [{ algorithm: "fixed_window", limit: 40, windowMs: HOUR_MS }, { limit: 70, windowMs: 10 * HOUR_MS }],
  }, 40],
];

describe(`${PROCESSES} processes on NATS`, () => {
  let nats: Awaited<ReturnType<typeof anyNats>>;
  let fleet: Fleet;
  before(async () => {
    nats = await anyNats();
    fleet = await Fleet.start("try_worker", PROCESSES);
  });
  after(async () => {
    await fleet.end();
    await fleet[Symbol.asyncDispose]();
    await nats[Symbol.asyncDispose]();
  });

  function shared(limiters: Record<string, LimiterOptions>): Shared {
    return { url: redisUrl(), natsUrl: nats.url, prefix: freshStreamPrefix(), limiters };
  }

  for (const [name, options, admits] of LIMITS) {
    it(`admit exactly what the law allows, with ${name}`, async () => {
      const reports = await fleet.run(shared({ api: options }), { tries: TRIES, ids: ["api"] });
      assert.equal(total(reports, "allowed"), admits);
    });
  }

  it("take from all limiters or from none", async () => {
    const limiters = { scarce: { limit: 30, windowMs: 10 * HOUR_MS }, ample: { limit: 100, windowMs: 10 * HOUR_MS } };
    const reports = await fleet.run(shared(limiters), { tries: 50, ids: ["ample", "scarce"] });
    assert.equal(total(reports, "allowed"), 30);
  });

  it("never hold more permits than there are", async () => {
    const options = { limit: 50, windowMs: 10 * HOUR_MS, maxConcurrent: 3 };
    const reports = await fleet.run(shared({ api: options }), { tries: 5_000, ids: ["api"], untilSpent: true });
    assert.equal(total(reports, "allowed"), 50);
    for (const { mostInside } of reports) assert.ok(mostInside <= 3, `${mostInside} were inside`);
  });
});
