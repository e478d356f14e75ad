import { after, before, describe, it } from "node:test";

import { forbidUnhandledRejections } from "../limiter/_unhandled.ts";
import { startSentinels, type TestSentinels } from "../stores/redis/_topologies.ts";
import { holdToBounds } from "./_bounds.ts";
import { placeBehind, SENTINEL_FAULTS } from "./_topology_faults.ts";
import { suffer } from "./_traffic.ts";

const OPTIONS = { timeout: 60_000 };

describe("Traffic through a fault of a Redis with Sentinels", { timeout: 240_000 }, () => {
  forbidUnhandledRejections();
  let sentinels: TestSentinels;
  before(async () => {
    sentinels = await startSentinels();
  });
  after(() => sentinels?.[Symbol.asyncDispose]());

  for (const fault of SENTINEL_FAULTS) {
    it(`keeps its bounds: ${fault.name}`, OPTIONS, async () => {
      holdToBounds(fault, await suffer(fault, await placeBehind(sentinels)));
    });
  }
});
