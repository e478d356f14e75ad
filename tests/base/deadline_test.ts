import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { Clock } from "../../src/base/clock.ts";
import { Deadlined, DeadlineLine, withTimeout } from "../../src/base/deadline.ts";

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

class Item extends Deadlined {
  readonly name: string;

  constructor(name: string) {
    super();
    this.name = name;
  }
}

function newLine(ms: number) {
  const clock = new StepClock();
  const due: string[] = [];
  return { clock, due, line: new DeadlineLine<Item>(ms * 1_000, ({ name }) => due.push(name), clock) };
}

describe("DeadlineLine", () => {
  it("calls each entry when its own time is over, and not before", () => {
    const t = newLine(100);
    t.line.add(new Item("a"));
    t.clock.pass(40);
    t.line.add(new Item("b"));
    assert.equal(t.line.oldestUs, 0);
    t.clock.pass(59);
    assert.deepEqual(t.due, []);
    t.clock.pass(1);
    assert.deepEqual(t.due, ["a"]);
    assert.equal(t.line.oldestUs, 40_000);
    t.clock.pass(40);
    assert.deepEqual(t.due, ["a", "b"]);
    assert.equal(t.line.oldestUs, undefined);
    assert.deepEqual(t.line.takeAll(), []);
  });

  it("calls an entry again that was added again when it was due, under one timer", () => {
    const clock = new StepClock();
    let calls = 0;
    const again: DeadlineLine<Item> = new DeadlineLine(100_000, (one) => {
      calls++;
      again.add(one);
    }, clock);
    again.add(new Item("a"));
    clock.pass(40);
    again.add(new Item("b"));
    clock.pass(960);
    assert.equal(calls, 19);
    assert.equal(clock.timers.length, 1);
    assert.deepEqual(again.takeAll().map(({ name }) => name).toSorted(), ["a", "b"]);
    assert.deepEqual(again.takeAll(), []);
  });

  it("forgets what was deleted, wherever it stood", () => {
    for (const place of [0, 1, 2]) {
      const t = newLine(100);
      const items = ["a", "b", "c"].map((name) => new Item(name));
      for (const item of items) t.line.add(item);
      const [deleted] = items.splice(place, 1) as [Item];
      assert.equal(t.line.delete(deleted), true);
      assert.equal(t.line.delete(deleted), false);
      t.clock.pass(50);
      t.line.add(new Item("d"));
      t.clock.pass(50);
      assert.deepEqual(t.due, items.map(({ name }) => name));
      t.clock.pass(50);
      assert.deepEqual(t.due, [...items.map(({ name }) => name), "d"]);
    }
  });

  it("never has more than one timer, and none while it is empty", () => {
    const t = newLine(100);
    for (const name of "abcdefgh") {
      t.line.add(new Item(name));
      t.clock.pass(1);
      assert.equal(t.clock.timers.length, 1);
    }
    t.clock.pass(100);
    assert.equal(t.due.join(""), "abcdefgh");
    assert.equal(t.clock.timers.length, 0);
  });

  it("gives a busy process time to read its answers before it calls anything overdue", () => {
    const t = newLine(100);
    const answered = new Item("answered");
    t.line.add(answered);
    t.line.add(new Item("silent"));
    t.clock.jump(3_000);
    assert.deepEqual(t.due, []);
    t.line.delete(answered);
    t.clock.pass(49);
    assert.deepEqual(t.due, []);
    t.clock.pass(1);
    assert.deepEqual(t.due, ["silent"]);
  });

  it("gives a process that is busy again and again time to read each answer", () => {
    const t = newLine(100);
    const first = new Item("first");
    t.line.add(first);
    t.clock.jump(3_000);
    t.clock.pass(10);
    t.line.delete(first);
    t.line.add(new Item("second"));
    t.clock.jump(3_000);
    t.clock.pass(50);
    assert.deepEqual(t.due, [], "its answer may lie unread");
    t.clock.pass(1);
    assert.deepEqual(t.due, ["second"]);
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
