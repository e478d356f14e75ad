import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { LogStore } from "../../../src/stores/log/log_store.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import { runHistory } from "../../_support/histories/history.ts";
import { runInMemory } from "../../_support/histories/run.ts";
import { assertSameBatches, assertSamePermits, assertSameStates } from "../../_support/parity_properties.ts";
import { assertBatchParityOf, assertParityOf, type OpenParitySubject } from "../../_support/store_parity.ts";
import { MemoryLog, MemoryLogStream } from "./_memory_log.ts";
import { assertHolds, stateOf } from "./_state.ts";

/** When every history begins. */
const START_US = 1_700_000_000_000_000;

/** Two processes on one stream, both of which hold what the memory store holds. */
const openOnLog: OpenParitySubject = (clock) => {
  const log = new MemoryLog(() => clock.nowUs());
  // Time jumps by days between two messages: no process is dead for that.
  const open = () => new LogStore(new MemoryLogStream(log), { aliveMs: 1e12 });
  const [store, another] = [open(), open()];
  return {
    store,
    another,
    async compare(target, states) {
      await another.check();
      for (const each of [store, another]) assertHolds(each, target, states);
    },
  };
};

describe("Processes on a stream and the memory store", () => {
  it("give the same replies and keep the same states, to the integer", () =>
    assertSameStates(100, (...history) => assertParityOf(...history, openOnLog)));

  it("give the same permits, in the same order, and tell the same waiters", () =>
    assertSamePermits(100, (...history) => assertParityOf(...history, openOnLog)));

  it("do so for takes that are alike in one message", () =>
    assertSameBatches(100, (...history) => assertBatchParityOf(...history, openOnLog)));
});

describe("A random history of three processes on a stream", () => {
  it("keeps to the oracle as in memory, and a process that begins with a snapshot has the same state", async () => {
    let snapshots = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const clock = new FakeClock(START_US);
      const log = new MemoryLog(() => clock.nowUs());
      const open = () => new LogStore(new MemoryLogStream(log), { snapshotEvery: 100 });
      const processes = [open(), open(), open()];
      assert.deepEqual(await runHistory(seed, { processes, clock }), await runInMemory(seed), `seed ${seed}`);
      const late = open();
      await Promise.all([...processes, late].map((store) => store.check()));
      await Promise.all([...processes, late].map((store) => store.check()));
      snapshots += log.shard("0").stored;
      for (const store of [...processes, late]) assert.deepEqual(stateOf(store), stateOf(processes[0] as LogStore));
      await Promise.all([...processes, late].map((store) => store.close()));
    }
    assert.ok(snapshots > 40, `only ${snapshots} snapshots were stored`);
  });
});
