import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { Clock } from "../../src/base/clock.ts";
import { DeadlineQueue, withTimeout } from "../../src/base/deadline.ts";

class StepClock implements Clock {
  now = 0;
  timers: { atUs: number; callback: () => void }[] = [];

  nowUs(): number {
    return this.now;
  }

  schedule(atUs: number, callback: () => void): { cancel(): void } {
    const timer = { atUs, callback };
    this.timers.push(timer);
    return { cancel: () => this.timers.splice(this.timers.indexOf(timer), 1) };
  }

  /** Lets time pass at once, as a process does that is busy, and then runs the timers that are due. */
  jump(ms: number): void {
    this.now += ms * 1_000;
    const due = this.timers.filter((timer) => timer.atUs <= this.now);
    this.timers = this.timers.filter((timer) => timer.atUs > this.now);
    for (const timer of due) timer.callback();
  }

  /** Lets time pass in small steps. */
  pass(ms: number): void {
    for (let i = 0; i < ms; i++) this.jump(1);
  }
}

function queue(ms: number) {
  const clock = new StepClock();
  const due: string[] = [];
  return { clock, due, queue: new DeadlineQueue<string>(ms, (item) => due.push(item), clock) };
}

describe("DeadlineQueue", () => {
  it("calls each item when its own time is over, and not before", () => {
    const t = queue(100);
    t.queue.add("a");
    t.clock.pass(40);
    t.queue.add("b");
    t.clock.pass(59);
    assert.deepEqual(t.due, []);
    t.clock.pass(1);
    assert.deepEqual(t.due, ["a"]);
    t.clock.pass(40);
    assert.deepEqual(t.due, ["a", "b"]);
    assert.deepEqual(t.queue.takeAll(), []);
  });

  it("calls an item again that was added again when it was due, under one timer", () => {
    const clock = new StepClock();
    let calls = 0;
    const again: DeadlineQueue<string> = new DeadlineQueue(100, (item) => {
      calls++;
      again.add(item);
    }, clock);
    again.add("a");
    clock.pass(40);
    again.add("b");
    clock.pass(960);
    assert.equal(calls, 19);
    assert.equal(clock.timers.length, 1);
    assert.deepEqual(again.takeAll().toSorted(), ["a", "b"]);
    assert.deepEqual(again.takeAll(), []);
  });

  it("forgets what was deleted", () => {
    const t = queue(100);
    t.queue.add("a");
    assert.equal(t.queue.delete("a"), true);
    assert.equal(t.queue.delete("a"), false);
    t.clock.pass(50);
    t.queue.add("b");
    t.clock.pass(99);
    assert.deepEqual(t.due, []);
    t.clock.pass(1);
    assert.deepEqual(t.due, ["b"]);
  });

  it("never has more than one timer, and none while it is empty", () => {
    const t = queue(100);
    for (const item of "abcdefgh") {
      t.queue.add(item);
      t.clock.pass(1);
      assert.equal(t.clock.timers.length, 1);
    }
    t.clock.pass(100);
    assert.equal(t.due.join(""), "abcdefgh");
    assert.equal(t.clock.timers.length, 0);
  });

  it("gives a busy process time to read its answers before it calls anything overdue", () => {
    const t = queue(100);
    t.queue.add("answered");
    t.queue.add("silent");
    t.clock.jump(3_000);
    assert.deepEqual(t.due, []);
    t.queue.delete("answered");
    t.clock.pass(49);
    assert.deepEqual(t.due, []);
    t.clock.pass(1);
    assert.deepEqual(t.due, ["silent"]);
  });
});

describe("withTimeout()", () => {
  const never = new Promise<never>(() => {});

  it("settles as the promise does", async () => {
    assert.equal(await withTimeout(Promise.resolve(1), 50, () => new Error("late")), 1);
    const error = new Error("mine");
    await assert.rejects(withTimeout(Promise.reject(error), 50, () => new Error("late")), error);
  });

  it("rejects when the time is over", async () => {
    const keepAlive = setTimeout(() => {}, 10_000);
    await assert.rejects(withTimeout(never, 10, () => new Error("late")), /late/);
    clearTimeout(keepAlive);
  });
});
