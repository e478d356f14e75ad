import { after, before, describe, it } from "node:test";

import { createRedisStore } from "../../../../src/stores/redis/mod.ts";
import { storeConformance } from "../../../../src/testing/mod.ts";
import { openRawRedis } from "../../../_support/raw_redis.ts";
import { freshPrefix, redisUrl } from "../../../_support/redis.ts";
import { type Opened, openers } from "./_given_clients.ts";

const GRACE_MS = 60_000;

for (const [kind, open] of Object.entries(openers)) {
  describe(`storeConformance() on Redis through ${kind}`, () => {
    const prefixes: string[] = [];
    let opened: Opened;
    before(async () => {
      opened = await open(redisUrl());
    });
    after(async () => {
      opened.close();
      const raw = await openRawRedis();
      const left = (await Promise.all(prefixes.map((prefix) => raw.keys(`*${prefix}*`)))).flat();
      if (left.length > 0) await raw.send("UNLINK", ...left);
      await raw.close();
    });
    const cases = storeConformance({
      open({ clock }) {
        const keyPrefix = freshPrefix();
        prefixes.push(keyPrefix);
        const { client } = opened;
        return createRedisStore({ client, keyPrefix, timingMarginMs: GRACE_MS }, { testClock: clock });
      },
    });
    for (const { name, run } of cases) it(name, run);
  });
}
