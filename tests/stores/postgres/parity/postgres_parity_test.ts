import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import fc from "fast-check";

import { FakeClock } from "../../../../src/testing/fake_clock.ts";
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
} from "../../../_support/arbitraries.ts";
import { runHistory } from "../../../_support/histories/history.ts";
import { runInMemory } from "../../../_support/histories/run.ts";
import { PostgresParity } from "../../../_support/postgres_parity.ts";
import { assertBatchParityOf, assertParityOf } from "../../../_support/store_parity.ts";

const START_US = 1_700_000_000_000_000;

describe("PostgreSQL and the memory store", () => {
  let parity: PostgresParity;
  before(() => {
    parity = new PostgresParity();
  });
  after(() => parity.close());

  it("give the same permits, in the same order, and tell the same waiters", async () => {
    await fc.assert(
      fc.asyncProperty(
        permitLimitersArb,
        startArb,
        fc.array(permitStepArb, { minLength: 1, maxLength: 40, size: "max" }),
        (limiters, startUs, steps) => parity.run((open) => assertParityOf(limiters, startUs, steps, open)),
      ),
      { numRuns: runs(40) },
    );
  });

  it("give the same replies and store the same states, to the integer", async () => {
    await fc.assert(
      fc.asyncProperty(
        limitersArb,
        startArb,
        fc.array(stepArb, { minLength: 1, maxLength: 30 }),
        (limiters, startUs, steps) => parity.run((open) => assertParityOf(limiters, startUs, steps, open)),
      ),
      { numRuns: runs(60) },
    );
  });

  it("do so when the clock steps back", async () => {
    const backArb = fc.tuple(
      stepArb.filter(({ ask }) => ask !== "block"), // one that is over is not stored again
      fc.constantFrom(0, 0, 1, 2, 1_000, 5_000_000, 36e9),
    ).map(([step, us]): Step => us === 0 ? step : { ...step, move: { by: "us", us: -us } });
    await fc.assert(
      fc.asyncProperty(
        limiterArb,
        startArb,
        fc.array(backArb, { minLength: 1, maxLength: 30 }),
        (options, startUs, steps) => parity.run((open) => assertParityOf([options], startUs, steps, open)),
      ),
      { numRuns: runs(40) },
    );
  });

  it("do so for batches of takes, merged or not", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(bucketKeysArb, windowKeysArb, severalKeysArb),
        startArb,
        batchesArb,
        (limiters, startUs, batches) => parity.run((open) => assertBatchParityOf(limiters, startUs, batches, open)),
      ),
      { numRuns: runs(60) },
    );
  });

  it("answer random histories of two processes alike, and keep to the oracle", async () => {
    for (let seed = 1; seed <= 12; seed++) {
      await parity.run(async () => {
        const clock = new FakeClock(START_US);
        const processes = parity.processes(clock);
        assert.deepEqual(await runHistory(seed, { processes, clock }), await runInMemory(seed), `seed ${seed}`);
        for (const store of processes) await store.close();
      });
    }
  });
});
