import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { Heap, type HeapItem } from "../../../src/stores/memory/heap.ts";
import { WaitQueue } from "../../../src/stores/memory/wait_queue.ts";

describe("WaitQueue", () => {
  it("orders its waiters by arrival and id, as a sorted set does, while waiters join, come back and leave", () => {
    const stepArb = fc.record({
      id: fc.constantFrom("a", "b", "c", "d", "e", "f"),
      leaves: fc.boolean(),
      arrivalUs: fc.constantFrom(0, 0, 1, 5, 9, 40),
    });
    fc.assert(fc.property(fc.array(stepArb, { maxLength: 120, size: "max" }), (steps) => {
      const queue = new WaitQueue();
      let expected: { id: string; arrivalUs: number }[] = [];
      steps.forEach(({ id, leaves, arrivalUs }, nowUs) => {
        const wasThere = expected.some((waiter) => waiter.id === id);
        expected = expected.filter((waiter) => waiter.id !== id);
        if (leaves) assert.equal(queue.leave(id), wasThere);
        else {
          const last = Math.max(0, ...expected.map((waiter) => waiter.arrivalUs));
          const at = arrivalUs === 0 ? Math.max(nowUs, last + 1) : arrivalUs;
          assert.equal(queue.join(id, nowUs, arrivalUs), at);
          expected.push({ id, arrivalUs: at });
          expected.sort((a, b) => a.arrivalUs - b.arrivalUs || (a.id < b.id ? -1 : 1));
        }
        assert.equal(queue.size, expected.length);
        assert.deepEqual(expected.map((_, place) => queue.at(place)?.id), expected.map((waiter) => waiter.id));
        assert.equal(queue.at(expected.length), undefined);
      });
    }));
  });

  it("serves tens of thousands of waiters, a third of whom have left, each as fast as the first", () => {
    const queue = new WaitQueue();
    const all = Array.from({ length: 30_000 }, (_, i) => `id${i * 7_919 % 30_000}`);
    for (const id of all) queue.join(id, 1, 0);
    for (const id of all.filter((_, i) => i % 3 === 1)) queue.leave(id);
    let served = 0;
    for (let first = queue.at(0); first !== undefined; first = queue.at(0)) {
      queue.leave(first.id);
      served++;
    }
    assert.equal(served, 20_000);
  });
});

describe("Heap", () => {
  it("has the least item in front, and iterates in order, after any changes", () => {
    const stepArb = fc.record({
      what: fc.constantFrom("add", "add", "move", "remove"),
      pick: fc.nat(99),
      at: fc.nat(30),
    });
    fc.assert(fc.property(fc.array(stepArb, { maxLength: 80, size: "max" }), (steps) => {
      const heap = new Heap<HeapItem>();
      let items: HeapItem[] = [];
      for (const { what, pick, at } of steps) {
        const item = items[pick % items.length];
        if (what === "add" || item === undefined) {
          const added = { at, place: -1 };
          items.push(added);
          heap.add(added);
        } else if (what === "move") heap.move(item, at);
        else {
          heap.remove(item);
          items = items.filter((each) => each !== item);
        }
        const walked: number[] = [];
        heap.walk((each) => walked.push(each.at) === 5);
        assert.deepEqual(walked, items.map((each) => each.at).sort((a, b) => a - b).slice(0, 5));
        assert.equal(heap.size, items.length);
        assert.equal(heap.first?.at, walked[0]);
      }
    }));
  });
});
