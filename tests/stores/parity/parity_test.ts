import { after, before, describe, it } from "node:test";

import fc from "fast-check";

import type { RedisConnection } from "../../../src/stores/redis/connections/connection.ts";
import { openNodeRedis } from "../../../src/stores/redis/connections/node_redis.ts";
import {
  batchesArb,
  bucketKeysArb,
  limiterArb,
  limitersArb,
  permitLimitersArb,
  permitStepArb,
  runs,
  severalKeysArb,
  startArb,
  type Step,
  stepArb,
  windowKeysArb,
} from "../../_support/arbitraries.ts";
import { assertBatchParity, assertParity } from "../../_support/parity.ts";
import { openRawRedis, type RawRedis } from "../../_support/raw_redis.ts";
import { redisUrl } from "../../_support/redis.ts";

describe("Redis scripts and kernels", () => {
  let connection: RedisConnection;
  let raw: RawRedis;
  before(async () => {
    connection = openNodeRedis({ url: redisUrl() });
    raw = await openRawRedis();
  });
  after(async () => {
    await connection.close();
    await raw.close();
  });

  it("give the same permits, in the same order, and tell the same waiters", { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        permitLimitersArb,
        startArb,
        fc.array(permitStepArb, { minLength: 1, maxLength: 40, size: "max" }),
        (limiters, startUs, steps) => assertParity(limiters, startUs, steps, { connection, raw }),
      ),
      { numRuns: runs(300) },
    );
  });

  it("give the same replies and store the same states, to the integer", { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        limitersArb,
        startArb,
        fc.array(stepArb, { minLength: 1, maxLength: 30 }),
        (limiters, startUs, steps) => assertParity(limiters, startUs, steps, { connection, raw }),
      ),
      { numRuns: runs(600) },
    );
  });

  it("do so when the clock steps back", { timeout: 300_000 }, async () => {
    // All steps together stay within what an integer keeps of the start of a fixed window: 12.7 days.
    // One limiter: the memory store, whose own clock never does so, would forget what is fresh when others come. And no
    // blocks: one that is over is not stored again.
    const backArb = fc.tuple(
      stepArb.filter(({ ask }) => ask !== "block"),
      fc.constantFrom(0, 0, 1, 2, 1_000, 5_000_000, 36e9),
    ).map(([step, us]): Step => {
      return us === 0 ? step : { ...step, move: { by: "us", us: -us } };
    });
    await fc.assert(
      fc.asyncProperty(
        limiterArb,
        startArb,
        fc.array(backArb, { minLength: 1, maxLength: 30 }),
        (options, startUs, steps) => assertParity([options], startUs, steps, { connection, raw }),
      ),
      { numRuns: runs(300) },
    );
  });

  it("do so for batches of takes, merged or not", { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(bucketKeysArb, windowKeysArb, severalKeysArb),
        startArb,
        batchesArb,
        (limiters, startUs, batches) => assertBatchParity(limiters, startUs, batches, { connection, raw }),
      ),
      { numRuns: runs(600) },
    );
  });
});
