import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { sleepUntil } from "../../src/base/clock.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import { nextTurn } from "../../src/testing/fake_clock.ts";
import { runWorker } from "../_support/processes.ts";

/** A clock that starts at 0, and a log of when its timers fired. */
function setUp(settle?: () => Promise<void>): { clock: FakeClock; fired: [name: string, atUs: number][]; note: Note } {
  const clock = new FakeClock(0, settle === undefined ? {} : { settle });
  const fired: [string, number][] = [];
  return { clock, fired, note: (name) => () => void fired.push([name, clock.nowUs()]) };
}

type Note = (name: string) => () => void;

describe("FakeClock", () => {
  it("starts at 2026, stands still, and keeps nothing alive", () => {
    const clock = new FakeClock();
    assert.equal(clock.nowUs(), Date.UTC(2026, 0, 1) * 1_000);
    clock.schedule(Infinity, () => {});
    assert.equal(clock.pending, 1);
  });
});

describe("FakeClock.advance()", () => {
  it("fires timers in order, each at its own instant, and ties in the order they were set", async () => {
    const { clock, fired, note } = setUp();
    clock.schedule(3_000, note("c"));
    clock.schedule(1_000, note("a"));
    clock.schedule(1_000, note("b"));
    clock.schedule(3_001, note("d"));
    await clock.advance(3);
    assert.deepEqual(fired, [["a", 1_000], ["b", 1_000], ["c", 3_000]]);
    assert.deepEqual([clock.nowUs(), clock.pending], [3_000, 1]);
  });

  it("fires what a timer sets on the way", async () => {
    const { clock, fired, note } = setUp();
    clock.schedule(1_000, () => void clock.schedule(1_500, note("inner")));
    await clock.advance(2);
    assert.deepEqual(fired, [["inner", 1_500]]);
  });

  it("lets promises run to their end before the next timer fires", async () => {
    const { clock } = setUp();
    const readings: number[] = [];
    const chain = async () => {
      for (let i = 0; i < 3; i++) {
        await sleepUntil(clock, clock.nowUs() + 1_000);
        for (let hop = 0; hop < 1_000; hop++) await Promise.resolve();
        readings.push(clock.nowUs());
      }
    };
    void chain();
    clock.schedule(1_001, () => {});
    await clock.advance(10);
    assert.deepEqual(readings, [1_000, 2_000, 3_000]);
  });

  it("fires a timer that is due already with the first move, without stepping back", async () => {
    const { clock, fired, note } = setUp();
    clock.set(5_000);
    clock.schedule(1_000, note("late"));
    assert.deepEqual(fired, []);
    await clock.advance(0);
    assert.deepEqual(fired, [["late", 5_000]]);
  });

  it("does not fire what was cancelled, not even by a timer of the same instant", async () => {
    const { clock, fired, note } = setUp();
    clock.schedule(1_000, () => second.cancel());
    const second = clock.schedule(1_000, note("second"));
    const third = clock.schedule(2_000, note("third"));
    await clock.advance(1);
    third.cancel();
    third.cancel();
    await clock.advance(5);
    assert.deepEqual(fired, []);
    assert.equal(clock.pending, 0);
  });

  it("takes fractions as microseconds", async () => {
    const { clock } = setUp();
    await clock.advance(0.001);
    await clock.advance(1.0004);
    assert.equal(clock.nowUs(), 1_001);
  });

  it("adds up when it is called while it runs", async () => {
    const { clock, fired, note } = setUp();
    clock.schedule(1_000, () => void clock.advance(10));
    clock.schedule(25_000, note("after all three"));
    await Promise.all([clock.advance(5), clock.advance(10)]);
    await clock.advance(0);
    assert.deepEqual(fired, [["after all three", 25_000]]);
    assert.equal(clock.nowUs(), 25_000);
  });

  it("goes on after a timer that throws", async () => {
    const { clock, fired, note } = setUp();
    clock.schedule(1_000, () => {
      throw new Error("from a timer");
    });
    clock.schedule(2_000, note("next"));
    await assert.rejects(clock.advance(5), /from a timer/);
    assert.equal(clock.nowUs(), 1_000);
    await clock.advance(1);
    assert.deepEqual(fired, [["next", 2_000]]);
  });

  it("waits for what its owner says before and after every timer", async () => {
    const log: string[] = [];
    const { clock } = setUp(() => Promise.resolve(void log.push("settled")));
    clock.schedule(1_000, () => void log.push("timer"));
    await clock.advance(1);
    assert.deepEqual(log, ["settled", "timer", "settled", "settled"]);
  });

  it("refuses a negative and an infinite step", async () => {
    for (const ms of [-1, NaN, Infinity]) await assert.rejects(setUp().clock.advance(ms), RangeError);
  });

  it("fires the same timers at the same instants however the way is cut", async () => {
    const timersArb = fc.array(fc.integer({ min: 0, max: 10_000 }), { maxLength: 20 });
    const cutsArb = fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(timersArb, cutsArb, async (timers, cuts) => {
        const { clock, fired, note } = setUp();
        timers.forEach((atUs, i) => clock.schedule(atUs, note(String(i))));
        for (const cutUs of cuts) await clock.advance(cutUs / 1_000);
        const endUs = cuts.reduce((sum, cutUs) => sum + cutUs, 0);
        const due = timers.map((atUs, i) => [String(i), atUs] as [string, number]).filter(([, atUs]) => atUs <= endUs);
        assert.equal(clock.nowUs(), endUs);
        if (cuts.length > 0) assert.deepEqual(fired, due.sort((a, b) => a[1] - b[1]));
      }),
      { numRuns: 50 },
    );
  });
});

describe("FakeClock.runUntil()", () => {
  it("stops at the timer that settles the promise", async () => {
    const { clock, fired, note } = setUp();
    clock.schedule(1_000, note("before"));
    clock.schedule(3_000, note("after"));
    const slept = sleepUntil(clock, 2_000).then(() => "slept");
    assert.equal(await clock.runUntil(slept), "slept");
    assert.deepEqual([clock.nowUs(), fired], [2_000, [["before", 1_000]]]);
  });

  it("does not move for a promise that is settled, or settles by itself", async () => {
    const { clock, fired, note } = setUp();
    clock.schedule(1_000, note("never"));
    assert.equal(await clock.runUntil(Promise.resolve(1)), 1);
    assert.equal(await clock.runUntil(Promise.resolve().then(() => 2)), 2);
    assert.deepEqual([clock.nowUs(), fired], [0, []]);
  });

  it("rejects as the promise does", async () => {
    const { clock } = setUp();
    const failure = new Error("failure");
    await assert.rejects(clock.runUntil(sleepUntil(clock, 1_000).then(() => Promise.reject(failure))), failure);
  });

  it("rejects if no timer can settle the promise", async () => {
    const { clock } = setUp();
    const never = new Promise(() => {});
    await assert.rejects(clock.runUntil(never), /pending, and no timer is due within 3600000 ms/);
    clock.schedule(2_000, () => {});
    await assert.rejects(clock.runUntil(never, 1), /no timer is due within 1 ms/);
    assert.equal(clock.pending, 1);
  });
});

describe("FakeClock.set()", () => {
  it("corrects the reading, back or forth, and fires nothing", async () => {
    const { clock, fired, note } = setUp();
    clock.schedule(1_000, note("due"));
    clock.set(9_000);
    clock.set(400);
    assert.deepEqual([clock.nowUs(), fired], [400, []]);
    await clock.advance(0.6);
    assert.deepEqual(fired, [["due", 1_000]]);
  });
});

describe("FakeClock.waitFor()", () => {
  it("holds time until the work has settled, whichever way", async () => {
    for (const outcome of ["resolve", "reject"] as const) {
      const clock = new FakeClock(0);
      const { promise, resolve, reject } = withResolvers();
      clock.waitFor(promise);
      const moving = clock.advance(1);
      for (let turn = 0; turn < 10; turn++) await nextTurn();
      assert.equal(clock.nowUs(), 0);
      if (outcome === "resolve") resolve();
      else reject(new Error("This is a test"));
      await moving;
      assert.equal(clock.nowUs(), 1_000);
    }
  });

  const FIRST_USES = {
    runUntil: "0 500 1000 1500",
    advance: "0 500 1000 1500",
    fallback: "0 500 1000 1500",
    slot: "RATE_LIMITED at 5000",
    reserve: "500",
  };
  for (const [use, expected] of Object.entries(FIRST_USES)) {
    it(`lets the first wait of a process load what it needs: ${use}`, async () => {
      const { stdout, stderr } = await runWorker("testing/first_wait_worker", [use]);
      assert.equal(stdout.trim(), expected, stderr);
    });
  }
});

function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let [resolve, reject]: [() => void, (error: Error) => void] = [() => {}, () => {}];
  const promise = new Promise<void>((yes, no) => [resolve, reject] = [yes, no]);
  return { promise, resolve, reject };
}
