import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { granted, SlotScene } from "../_slots.ts";

/** How long a busy machine may take beyond what is promised, in microseconds. A lost slot would take a minute. */
const SLACK_US = 10e6;

describe("A holder that is killed", () => {
  it("leaves its slot free within the lease's time to live", async () => {
    await using scene = await SlotScene.open({ maxConcurrent: 1, leaseTtlMs: 1_000 });
    const holder = await scene.process();
    const next = await scene.process();
    await scene.hold(holder, "a");
    await scene.queue(next, "b");
    holder.kill();
    await holder.exited;
    const endUs = await scene.leaseEndUs();
    assert.ok(endUs <= await scene.nowUs() + 1e6, "the lease would outlive its holder by more than its time to live");
    const { atUs } = await granted(next, "b");
    assert.ok(atUs >= endUs, `served ${endUs - atUs} µs before the lease had ended`);
    assert.ok(atUs <= endUs + SLACK_US, `served ${atUs - endUs} µs after the lease had ended`);
  });

  it("leaves its permit to a waiter whose process heard of an earlier crash, and of nothing since", async () => {
    await using scene = await SlotScene.open({ maxConcurrent: 1, leaseTtlMs: 1_000 });
    const [holder, waiters, next] = [await scene.process(), await scene.process(), await scene.process()];
    await scene.hold(holder, "a");
    await scene.queue(waiters, "b");
    await scene.queue(next, "c");
    await scene.queue(waiters, "d");
    holder.kill();
    await granted(waiters, "b");
    waiters.writeLine("release b");
    await granted(next, "c");
    next.kill();
    await next.exited;
    const endUs = await scene.leaseEndUs();
    const { atUs } = await granted(waiters, "d");
    assert.ok(atUs >= endUs, `served ${endUs - atUs} µs before the lease had ended`);
    assert.ok(atUs <= endUs + SLACK_US, `served ${atUs - endUs} µs after the lease had ended`);
  });

  it("leaves its permit to a call that comes later as well", async () => {
    await using scene = await SlotScene.open({ maxConcurrent: 1, leaseTtlMs: 1_000 });
    const holder = await scene.process();
    const { fence } = await scene.hold(holder, "a");
    holder.kill();
    await holder.exited;
    const permit = await scene.instance().acquire("slot", { timeoutMs: 10_000 });
    assert.ok((permit.fencingToken ?? 0) > fence, "the fencing token grows");
    await permit.release();
    assert.equal(await scene.live(), 0);
  });
});

describe("A waiter that is killed", () => {
  it("does not stop those behind it, though it was first", async () => {
    await using scene = await SlotScene.open({ maxConcurrent: 1, leaseTtlMs: 2_000 });
    const [holder, first, second] = [await scene.process(), await scene.process(), await scene.process()];
    await scene.hold(holder, "a");
    await scene.queue(first, "b");
    await scene.queue(second, "c");
    first.kill();
    await first.exited;
    const releasedUs = await scene.nowUs();
    holder.writeLine("release a");
    const { atUs } = await granted(second, "c");
    assert.ok(atUs <= releasedUs + 2e6 + SLACK_US, `served ${atUs - releasedUs} µs after the release`);
    assert.deepEqual(await scene.order(), ["a", "c"]);
    assert.equal(await scene.waiters(), 0);
  });

  it("does not stop those around it, where it is in the middle", async () => {
    await using scene = await SlotScene.open({ maxConcurrent: 1, leaseTtlMs: 2_000 });
    const [holder, killed] = [await scene.process(), await scene.process()];
    await scene.hold(holder, "a");
    await scene.queue(holder, "b");
    await scene.queue(killed, "c");
    await scene.queue(holder, "d");
    killed.kill();
    await killed.exited;
    for (const [name, next] of [["a", "b"], ["b", "d"]] as const) {
      holder.writeLine(`release ${name}`);
      await granted(holder, next);
    }
    assert.deepEqual(await scene.order(), ["a", "b", "d"]);
  });

  it("does not stop those behind it, where all waiting processes are killed", async () => {
    await using scene = await SlotScene.open({ maxConcurrent: 1, leaseTtlMs: 1_000 });
    const [holder, waiter] = [await scene.process(), await scene.process()];
    await scene.hold(holder, "a");
    for (const name of ["b", "c", "d"]) await scene.queue(waiter, name);
    for (const worker of [waiter, holder]) {
      worker.kill();
      await worker.exited;
    }
    const permit = await scene.instance().acquire("slot", { timeoutMs: 20_000 });
    assert.equal(await scene.waiters(), 0);
    await permit.release();
  });
});
