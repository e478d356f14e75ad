import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { FakeClock } from "../../../../src/testing/fake_clock.ts";
import { runHistory } from "../../../_support/histories/history.ts";
import { runMixedHistory } from "../../../_support/histories/mixed_history.ts";
import { runInMemory, runMixedInMemory } from "../../../_support/histories/run.ts";
import {
  assertSameAfterStepsBack,
  assertSameBatches,
  assertSamePermits,
  assertSameStates,
} from "../../../_support/parity_properties.ts";
import { PostgresParity } from "../../../_support/postgres_parity.ts";
import { assertBatchParityOf, assertParityOf } from "../../../_support/store_parity.ts";

const START_US = 1_700_000_000_000_000;

describe("PostgreSQL and the memory store", () => {
  let parity: PostgresParity;
  before(() => {
    parity = new PostgresParity();
  });
  after(() => parity.close());

  it("give the same permits, in the same order, and tell the same waiters", () =>
    assertSamePermits(40, (...history) => parity.run((open) => assertParityOf(...history, open))));

  it("give the same replies and store the same states, to the integer", () =>
    assertSameStates(60, (...history) => parity.run((open) => assertParityOf(...history, open))));

  it("do so when the clock steps back", () =>
    assertSameAfterStepsBack(40, (...history) => parity.run((open) => assertParityOf(...history, open))));

  it("do so for batches of takes, merged or not", () =>
    assertSameBatches(60, (...history) => parity.run((open) => assertBatchParityOf(...history, open))));

  it("answer random histories of two processes alike, and keep to the oracle", async () => {
    for (let seed = 1; seed <= 12; seed++) {
      await parity.run(async () => {
        const clock = new FakeClock(START_US);
        const processes = parity.processes(clock, false);
        assert.deepEqual(await runHistory(seed, { processes, clock }), await runInMemory(seed), `seed ${seed}`);
        for (const store of processes) await store.close();
      });
    }
  });

  it("answer alike where the rules of the processes differ", async () => {
    for (let seed = 1; seed <= 6; seed++) {
      await parity.run(async () => {
        const clock = new FakeClock(START_US);
        const processes = parity.processes(clock, false);
        const answers = await runMixedHistory(seed, { processes, clock });
        assert.deepEqual(answers, await runMixedInMemory(seed, processes.length), `seed ${seed}`);
        for (const store of processes) await store.close();
      });
    }
  });
});
