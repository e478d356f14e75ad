import { after, before, describe, it } from "node:test";

import { RedisStore } from "../../../../src/stores/redis/mod.ts";
import { storeConformance } from "../../../../src/testing/mod.ts";
import { freshPrefix } from "../../../_support/redis.ts";
import { startCluster, type TestCluster } from "../_topologies.ts";
import { type Opened, OPENERS } from "./_openers.ts";

describe("storeConformance() on a Redis Cluster", { timeout: 180_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  for (const [how, open] of Object.entries(OPENERS)) {
    describe(how, () => {
      let opened: Opened;
      before(async () => {
        opened = await open(cluster);
      });
      after(async () => {
        await opened?.connection.close();
        await opened?.close();
      });

      for (
        const { name, run } of storeConformance({
          wakeupPaths: 3,
          open({ clock }) {
            // One connection for all: a store would close its own.
            const shared = { ...opened.connection, close: () => Promise.resolve() };
            return new RedisStore(shared, { keyPrefix: freshPrefix(), timingMarginMs: 60_000, testClock: clock });
          },
        })
      ) it(name, run);
    });
  }
});
