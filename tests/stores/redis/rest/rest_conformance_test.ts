import { after, before, describe, it } from "node:test";

import { createRedisStore } from "../../../../src/stores/redis/mod.ts";
import { storeConformance } from "../../../../src/testing/mod.ts";
import { openRawRedis } from "../../../_support/raw_redis.ts";
import { freshPrefix } from "../../../_support/redis.ts";
import { type RestRedis, startRestRedis } from "../../../_support/rest_redis.ts";
import { places } from "./_rest_places.ts";

const GRACE_MS = 60_000;

describe("REST", () => {
  let endpoint: RestRedis;
  before(async () => {
    endpoint = await startRestRedis();
  });
  after(() => endpoint[Symbol.asyncDispose]());

  for (const [kind, place] of Object.entries(places)) {
    describe(`storeConformance() through ${kind}`, () => {
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
          const options = { ...place(endpoint.url), keyPrefix, timingMarginMs: GRACE_MS };
          return createRedisStore(options, { testClock: clock });
        },
      });
      for (const { name, run } of cases) it(name, run);
    });
  }
});
