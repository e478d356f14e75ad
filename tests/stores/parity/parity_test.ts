import { after, before, describe, it } from "node:test";

import type { RedisConnection } from "../../../src/stores/redis/connections/connection.ts";
import { openNodeRedis } from "../../../src/stores/redis/connections/node_redis.ts";
import { assertBatchParity, assertParity } from "../../_support/parity.ts";
import {
  assertSameAfterStepsBack,
  assertSameBatches,
  assertSamePermits,
  assertSameStates,
} from "../../_support/parity_properties.ts";
import { assertPipelined } from "../../_support/properties.ts";
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

  it(
    "give the same permits, in the same order, and tell the same waiters",
    { timeout: 300_000 },
    () => assertSamePermits(300, (...history) => assertParity(...history, { connection, raw }), assertPipelined),
  );

  it(
    "give the same replies and store the same states, to the integer",
    { timeout: 300_000 },
    () => assertSameStates(600, (...history) => assertParity(...history, { connection, raw }), assertPipelined),
  );

  it(
    "do so when the clock steps back",
    { timeout: 300_000 },
    () => assertSameAfterStepsBack(300, (...history) => assertParity(...history, { connection, raw }), assertPipelined),
  );

  it(
    "do so for batches of takes, merged or not",
    { timeout: 300_000 },
    () => assertSameBatches(600, (...history) => assertBatchParity(...history, { connection, raw }), assertPipelined),
  );
});
