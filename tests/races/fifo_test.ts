import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import type { Worker } from "../_support/processes.ts";
import { granted, SlotScene } from "./_slots.ts";

describe("Processes that wait", () => {
  it("get one slot in the order in which they came", async () => {
    await using scene = await SlotScene.open({ maxConcurrent: 1, leaseTtlMs: 30_000 });
    const processes = [await scene.process(), await scene.process(), await scene.process()];
    let holder = processes[0] as Worker;
    await scene.hold(holder, "0");
    const queue: Worker[] = [];
    for (const [i, place] of [1, 1, 2, 0, 2, 2, 1, 0, 1].entries()) {
      queue.push(processes[place] as Worker);
      await scene.queue(processes[place] as Worker, String(i + 1));
    }
    for (const [i, worker] of queue.entries()) {
      holder.writeLine(`release ${i}`);
      await granted(worker, String(i + 1));
      holder = worker;
    }
    assert.deepEqual(await scene.order(), ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  });

  it("get a rate in the order in which they came", async () => {
    await using scene = await SlotScene.open({ ratePerSecond: 4 });
    const processes = [await scene.process(), await scene.process(), await scene.process()];
    const first = await scene.hold(processes[0] as Worker, "0");
    const served: Promise<{ atUs: number }>[] = [];
    for (let i = 1; i <= 3; i++) {
      const worker = processes[i % 3] as Worker;
      const before = await bucket();
      worker.writeLine(`acquire ${i}`);
      while (await bucket() === before) await sleep(2);
      served.push(granted(worker, String(i)));
    }
    for (const [i, { atUs }] of (await Promise.all(served)).entries()) {
      const soonestUs = first.atUs + (i + 1) * 250_000;
      // The first one's instant was read a moment after its decision, and that is all the leeway there is.
      assert.ok(atUs > soonestUs - 200_000, `${i + 1} was served ${soonestUs - atUs} µs early`);
    }

    async function bucket(): Promise<string> {
      return String(await scene.raw.send("GET", `${scene.prefix}:slot`));
    }
  });
});
