import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { type LogStore, replicasOf } from "../../../src/stores/log/log_store.ts";
import { compilePolicy } from "../../../src/policy/compile_policy.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import { runHistory } from "../../_support/histories/history.ts";
import { runInMemory } from "../../_support/histories/run.ts";
import { assertSameBatches, assertSamePermits, assertSameStates } from "../../_support/parity_properties.ts";
import { assertBatchParityOf, assertParityOf, type OpenParitySubject } from "../../_support/store_parity.ts";
import { assertHolds, stateOf } from "../log/_state.ts";
import { until } from "../redis/_servers.ts";
import { anyNats, freshStreamPrefix } from "./_nats.ts";
import { Stamps, virtualStore } from "./_virtual_time.ts";

/** When every history begins. */
const START_US = 1_700_000_000_000_000;

describe("Two processes on NATS and the memory store", () => {
  let server: Awaited<ReturnType<typeof anyNats>>;
  let opened: LogStore[] = [];
  before(async () => {
    server = await anyNats();
  });
  after(() => server[Symbol.asyncDispose]());

  /** Processes on a stream that nothing else uses. */
  function processes(clock: FakeClock, count: number, snapshotEvery = 500_000): LogStore[] {
    const options = { url: server.url, streamPrefix: freshStreamPrefix(), storage: "memory" } as const;
    const stamps = new Stamps(clock);
    // Time jumps by days between two messages: no process is dead for that.
    const open = () => virtualStore(options, stamps, { aliveMs: 1e12, snapshotEvery });
    const stores = Array.from({ length: count }, open);
    opened.push(...stores);
    return stores;
  }

  async function closeAll(): Promise<void> {
    await Promise.all(opened.map((store) => store.close()));
    opened = [];
  }

  const open: OpenParitySubject = (clock) => {
    const [store, another] = processes(clock, 2) as [LogStore, LogStore];
    return {
      store,
      another,
      async compare(target, states) {
        await read(another, target.limiter);
        for (const each of [store, another]) assertHolds(each, target, states);
      },
    };
  };

  it("give the same permits, in the same order, and tell the same waiters", () =>
    assertSamePermits(10, (...history) => assertParityOf(...history, open).finally(closeAll)));

  it("give the same replies and hold the same states, to the integer", () =>
    assertSameStates(20, (...history) => assertParityOf(...history, open).finally(closeAll)));

  it("do so for takes that are alike in one message", () =>
    assertSameBatches(20, (...history) => assertBatchParityOf(...history, open).finally(closeAll)));

  it("answer random histories alike, keep to the oracle, and begin with the same state after a snapshot", async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const clock = new FakeClock(START_US);
      const stores = processes(clock, 4, 200);
      const [, ...early] = stores as [LogStore, ...LogStore[]];
      const answers = await runHistory(seed, { processes: early, clock });
      assert.deepEqual(answers, await runInMemory(seed), `seed ${seed}`);
      await assertSame(stores);
      await closeAll();
    }
  });
});

/** Resolves when a process has read all that was sent before. */
async function read(store: LogStore, limiter: string): Promise<void> {
  await store.listKeys({ limiter, policy: compilePolicy({ maxConcurrent: 1 }) }).next();
}

/** Lets each process read the same messages, and compares what they hold. */
async function assertSame(stores: readonly LogStore[]): Promise<void> {
  for (const store of stores) await read(store, "any");
  const sequences = () => new Set(stores.map((store) => replicasOf(store)[0]?.sequence));
  await until(() => sequences().size === 1);
  const [first, ...others] = stores.map(stateOf);
  for (const other of others) assert.deepEqual(other, first);
}
