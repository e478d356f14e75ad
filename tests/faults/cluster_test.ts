import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { forbidUnhandledRejections } from "../limiter/_unhandled.ts";
import { startCluster, type TestCluster } from "../stores/redis/_topologies.ts";
import { holdToBounds, rowsUnder } from "./_bounds.ts";
import { CLUSTER_FAULTS, placeIn, SENTINEL_FAULTS } from "./_topology_faults.ts";
import { suffer } from "./_traffic.ts";

const OPTIONS = { timeout: 60_000 };

describe("Traffic through a fault of a Redis Cluster", { timeout: 240_000 }, () => {
  forbidUnhandledRejections();
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster();
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  for (const fault of CLUSTER_FAULTS) {
    it(`keeps its bounds: ${fault.name}`, OPTIONS, async () => {
      holdToBounds(fault, await suffer(fault, await placeIn(cluster)));
    });
  }
});

describe("The faults of a cluster and of Sentinels", () => {
  it("are in the table of the guide, row by row", async () => {
    assert.deepEqual(
      await rowsUnder("Cluster and Sentinel"),
      [...CLUSTER_FAULTS, ...SENTINEL_FAULTS].map(({ name }) => name),
    );
  });
});
