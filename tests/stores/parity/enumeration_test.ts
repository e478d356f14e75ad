import { after, before, describe, it } from "node:test";

import type { LimitOptions } from "../../../src/policy/options.ts";
import type { RedisConnection } from "../../../src/stores/redis/connections/connection.ts";
import { openNodeRedis } from "../../../src/stores/redis/connections/node_redis.ts";
import { explore } from "../../_support/enumeration/explore.ts";
import { compiled, passUs, SECOND_LIMITS, SMALL_LIMITS } from "../../_support/enumeration/limits.ts";
import type { Step } from "../../_support/enumeration/world.ts";
import { openRawRedis, type RawRedis } from "../../_support/raw_redis.ts";
import { redisUrl } from "../../_support/redis.ts";
import { assertScheduleParity } from "../../_support/schedule_parity.ts";

/** How deep the search goes in the time that the suite has; ENUMERATION_DEPTH sets another depth. */
const [DEPTH, PAIR_DEPTH] = process.env["ENUMERATION_DEPTH"] === undefined
  ? [7, 5]
  : [Number(process.env["ENUMERATION_DEPTH"]), Number(process.env["ENUMERATION_DEPTH"])];

describe("Every schedule of takes, waits, give-backs and time", () => {
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

  function tried(name: string, limits: readonly LimitOptions[], depth: number): void {
    it(`leads to the same replies and states in Redis as in memory: ${name}`, { timeout: 300_000 }, async (context) => {
      const schedules: (readonly Step[])[] = [];
      explore({
        limits: compiled(limits),
        costs: [1, 2],
        passUs: passUs(limits),
        depth,
        laws: [], // other tests check those; here even a schedule that breaks one has to do so in both
        onSchedule: (schedule) => void schedules.push(schedule),
      });
      context.diagnostic(`${schedules.length} schedules to depth ${depth}`);
      await assertScheduleParity(limits, schedules, { connection, raw });
    });
  }

  for (const [name, limit] of Object.entries(SMALL_LIMITS)) tried(name, [limit], DEPTH);
  for (const [first, limit] of Object.entries(SMALL_LIMITS)) {
    for (const [second, other] of Object.entries(SECOND_LIMITS)) {
      tried(`${first} of 3, ${second} of 2`, [limit, other], PAIR_DEPTH);
    }
  }
});
