import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { forbidUnhandledRejections } from "../limiter/_unhandled.ts";
import { holdToBounds, rowsUnder } from "./_bounds.ts";
import { NATS_CLUSTER_FAULTS, NATS_FAULTS, oneNats, threeNats } from "./_nats_faults.ts";
import { suffer } from "./_traffic.ts";

const OPTIONS = { timeout: 60_000 };

// Each fault has servers of its own, and mostly waits.
describe("Traffic through a fault of NATS", { concurrency: 3 }, () => {
  forbidUnhandledRejections();

  for (const fault of NATS_FAULTS) {
    it(`keeps its bounds: ${fault.name}`, OPTIONS, async () => {
      await using place = await oneNats();
      holdToBounds(fault, await suffer(fault, place));
    });
  }

  for (const fault of NATS_CLUSTER_FAULTS) {
    it(`keeps its bounds: ${fault.name}`, OPTIONS, async () => {
      await using place = await threeNats();
      holdToBounds(fault, await suffer(fault, place));
    });
  }

  it("is in the table of the guide, row by row", async () => {
    const names = [...NATS_FAULTS, ...NATS_CLUSTER_FAULTS].map(({ name }) => name);
    assert.deepEqual(await rowsUnder("NATS"), names);
  });
});
