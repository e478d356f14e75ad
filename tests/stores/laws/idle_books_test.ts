import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { MemoryStore } from "../../../src/stores/memory/memory_store.ts";
import type { TakeReply, Target } from "../../../src/stores/store.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import { target } from "../_lab.ts";

const KEPT_US = 100_000;

const one = target({ maxConcurrent: 1 });
const TAKE = { op: "take", mode: "now", maxWaitUs: 0, id: "", arrivalUs: 0 } as const;

/** Takes a permit of a key, and gives it back. */
function use(store: MemoryStore, key: string): void {
  const asked: Target = { ...one, key };
  const { lease } = store.execute({ ...TAKE, targets: [asked] }) as TakeReply;
  assert.ok(lease !== undefined, `${key} is free`);
  lease.release(asked);
}

describe("Keys of a memory store whose permits were given back", () => {
  it("are kept for 0.1 s, and forgotten while other keys are used", () => {
    const clock = new FakeClock();
    const store = new MemoryStore({ clock });
    const stepUs = 1_000;
    const kept = KEPT_US / stepUs;
    for (let i = 0; i < 20 * kept; i++) {
      clock.set(clock.nowUs() + stepUs);
      use(store, `k${i}`);
      assert.ok(store.size >= Math.min(i + 1, kept), `after ${i}, ${store.size} are kept`);
      assert.ok(store.size <= 1.5 * kept, `after ${i}, ${store.size} are kept`);
    }
  });

  it("stay the same number while a few of them are used in turn", () => {
    const clock = new FakeClock();
    const store = new MemoryStore({ clock });
    for (let i = 0; i < 10_000; i++) {
      clock.set(clock.nowUs() + 50);
      use(store, `k${i % 1_000}`);
      assert.equal(store.size, Math.min(i + 1, 1_000));
    }
  });
});

describe("Keys of a memory store whose limits are unused again", () => {
  const rate = target({ ratePerSecond: 1_000, burst: 10 });

  function take(store: MemoryStore, key: string): void {
    const reply = store.execute({ ...TAKE, targets: [{ ...rate, key }] }) as TakeReply;
    assert.equal(reply.status, "allowed");
  }

  it("are kept for a second, and forgotten while other keys are used", () => {
    const clock = new FakeClock();
    const store = new MemoryStore({ clock });
    const stepUs = 10_000;
    const kept = 1_000_000 / stepUs;
    for (let i = 0; i < 20 * kept; i++) {
      clock.set(clock.nowUs() + stepUs);
      take(store, `k${i}`);
      assert.ok(store.size >= Math.min(i + 1, kept), `after ${i}, ${store.size} are kept`);
      assert.ok(store.size <= 1.5 * kept, `after ${i}, ${store.size} are kept`);
    }
  });

  it("stay the same number while a few of them are used in turn", () => {
    const clock = new FakeClock();
    const store = new MemoryStore({ clock });
    for (let i = 0; i < 10_000; i++) {
      clock.set(clock.nowUs() + 500);
      take(store, `k${i % 1_000}`);
      assert.equal(store.size, Math.min(i + 1, 1_000));
    }
  });
});
