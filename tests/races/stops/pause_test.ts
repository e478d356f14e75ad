import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { granted, hear, SlotScene } from "../_slots.ts";

/** Looks at Redis until told to stop. Returns the most leases that it believed in at any instant. */
function watchLeases(scene: SlotScene): { stop(): Promise<number> } {
  let watching = true;
  const most = (async () => {
    let seen = 0;
    while (watching) {
      seen = Math.max(seen, await scene.live());
      await sleep(5);
    }
    return seen;
  })();
  return {
    stop() {
      watching = false;
      return most;
    },
  };
}

// Not worker.kill: on Deno that takes a stopped process for an ended one.
describe("A holder that is stopped for longer than its lease lasts", () => {
  it("loses its slot to the next, and hears of it when it goes on", async () => {
    await using scene = await SlotScene.open({ maxConcurrent: 1, leaseTtlMs: 2_000 });
    const [holder, next] = [await scene.process(), await scene.process()];
    const watch = watchLeases(scene);
    const first = await scene.hold(holder, "a");
    await scene.queue(next, "b");
    process.kill(holder.pid, "SIGSTOP");
    try {
      const second = await granted(next, "b");
      assert.ok(second.fence > first.fence, "the fencing token grows");
    } finally {
      process.kill(holder.pid, "SIGCONT");
    }
    await hear(holder, "lost a");
    holder.writeLine("release a");
    await hear(holder, "released a");
    assert.equal(await scene.live(), 1, "a release by one that lost its slot is not the holder's");
    next.writeLine("release b");
    await hear(next, "released b");
    assert.equal(await scene.live(), 0);
    assert.equal(await watch.stop(), 1, "Redis believed in two holders");
  });

  it("holds it again if no other call took it meanwhile", async () => {
    await using scene = await SlotScene.open({ maxConcurrent: 1, leaseTtlMs: 1_000 });
    const holder = await scene.process();
    await scene.hold(holder, "a");
    process.kill(holder.pid, "SIGSTOP");
    try {
      for (let left = 1_000; await scene.live() > 0; left--) {
        assert.ok(left > 0, "the lease never ended");
        await sleep(10);
      }
    } finally {
      process.kill(holder.pid, "SIGCONT");
    }
    for (let left = 1_000; await scene.live() === 0; left--) {
      assert.ok(left > 0, "the lease was never renewed");
      await sleep(10);
    }
    holder.writeLine("release a");
    await hear(holder, "released a");
    assert.equal(await scene.live(), 0);
  });
});

describe("A waiter that is stopped", () => {
  it("loses its permit if its lease has ended when it goes on, but not its place", async () => {
    await using scene = await SlotScene.open({ maxConcurrent: 1, leaseTtlMs: 2_000 });
    const [holder, stopped, next] = [await scene.process(), await scene.process(), await scene.process()];
    const watch = watchLeases(scene);
    await scene.hold(holder, "a");
    await scene.queue(stopped, "b");
    for (const name of ["c", "d"]) await scene.queue(next, name);
    process.kill(stopped.pid, "SIGSTOP");
    try {
      holder.writeLine("release a");
      await hear(holder, "released a");
      await granted(next, "c"); // b is handed the slot, does not know it, and does not renew it
    } finally {
      process.kill(stopped.pid, "SIGCONT");
    }
    await scene.queued(2); // b again, in front of d
    assert.deepEqual(await scene.order(), ["a", "c"], "b was told of a slot that it had lost by then");
    next.writeLine("release c");
    await granted(stopped, "b");
    stopped.writeLine("release b");
    await granted(next, "d");
    next.writeLine("release d");
    await hear(next, "released d");
    assert.equal(await watch.stop(), 1, "Redis believed in two holders");
  });
});
