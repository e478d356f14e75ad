/**
 * The conformance suite over REST.
 *
 * @module
 */

import { after, it } from "node:test";

import { createRedisStore } from "../../../src/stores/redis/mod.ts";
import { storeConformance } from "../../../src/testing/mod.ts";
import { openRawRedis } from "../../_support/raw_redis.ts";
import { freshPrefix } from "../../_support/redis.ts";
import type { Place } from "./_rest_places.ts";

const GRACE_MS = 60_000;

/** The tests of a place, and what removes their keys. */
export function describeConformance(place: () => Place): void {
  const prefixes: string[] = [];
  after(async () => {
    const raw = await openRawRedis();
    const left = (await Promise.all(prefixes.map((prefix) => raw.keys(`*${prefix}*`)))).flat();
    if (left.length > 0) await raw.send("UNLINK", ...left);
    await raw.close();
  });
  const cases = storeConformance({
    pushes: false,
    open({ clock }) {
      const keyPrefix = freshPrefix();
      prefixes.push(keyPrefix);
      return createRedisStore({ ...place(), keyPrefix, timingMarginMs: GRACE_MS }, { testClock: clock });
    },
  });
  for (const { name, run } of cases) it(name, run);
}
