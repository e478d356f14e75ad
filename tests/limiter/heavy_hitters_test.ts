import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { createRateSync, NotFoundError } from "../../mod.ts";
import { Sketch } from "../../src/observe/sketch.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

describe("Sketch", () => {
  it("bounds the count of each value, and knows each that came more often than two in its size", () => {
    const values = fc.array(fc.integer({ min: 0, max: 30 }).map((n) => `${Math.min(n, 30 - n)}`), { maxLength: 300 });
    fc.assert(fc.property(values, fc.integer({ min: 1, max: 12 }), (stream, size) => {
      const sketch = new Sketch(size);
      const counts = new Map<string, number>();
      for (const value of stream) {
        sketch.add(value);
        counts.set(value, (counts.get(value) ?? 0) + 1);
      }
      const found = new Map(sketch.top(size).map((entry) => [entry.key, entry]));
      assert.ok(found.size <= size);
      for (const { key, count, error } of found.values()) {
        const exact = counts.get(key as string) ?? 0;
        assert.ok(exact <= count && exact >= count - error, `${key}: ${exact} is not in ${count} - ${error}`);
      }
      const rare = 2 * stream.length / size;
      for (const [value, count] of counts) if (count > rare) assert.ok(found.has(value), `${value} is not there`);
      for (const { error } of found.values()) assert.ok(error <= rare, `${error} of ${rare} is too much`);
      if (counts.size <= size) assert.deepEqual(new Map([...found].map(([key, { count }]) => [key, count])), counts);
    }));
  });
});

describe("RateSync.heavyHitters()", () => {
  const limiters = {
    api: { algorithm: "fixed_window", limit: 3, windowMs: 60_000 },
    jobs: { maxConcurrent: 1 },
  } as const;

  it("counts requests and denials by key from the first call on", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync({ clock, limiters });
    await rs.tryAcquire("api", { key: "before" });
    assert.deepEqual(rs.heavyHitters("api"), { sinceMs: clock.nowUs() / 1_000, byRequests: [], byDenials: [] });
    for (let i = 0; i < 5; i++) await rs.tryAcquire("api", { key: "ann" });
    await rs.tryAcquire("api", { key: "bob" });
    await rs.tryAcquire("api");
    await rs.acquire("jobs", { key: "ann" });
    await rs.peek("api", { key: "ann" });
    const { byRequests, byDenials } = rs.heavyHitters("api", { count: 2 });
    assert.deepEqual(byRequests, [{ key: "ann", count: 5, error: 0 }, { key: "bob", count: 1, error: 0 }]);
    assert.deepEqual(byDenials, [{ key: "ann", count: 2, error: 0 }]);
    assert.deepEqual(rs.heavyHitters("jobs").byRequests, [], "each limiter has lists of its own");
  });

  it("counts permits too", async () => {
    await using rs = createRateSync({ limiters });
    rs.heavyHitters("jobs");
    await (await rs.acquire("jobs", { key: "ann" })).release();
    assert.deepEqual(rs.heavyHitters("jobs").byRequests, [{ key: "ann", count: 1, error: 0 }]);
  });

  it("tells of a hundred keys, however many there are, and few characters of long ones", async () => {
    await using rs = createRateSync({ limiters });
    rs.heavyHitters("api");
    const long = "x".repeat(60_000);
    for (let i = 0; i < 3_000; i++) {
      await rs.tryAcquire("api", { key: `${i}` });
      if (i % 5 === 0) await rs.tryAcquire("api", { key: "heavy" });
      if (i % 5 === 0) await rs.tryAcquire("api", { key: `${long}1` });
    }
    for (let i = 0; i < 100; i++) await rs.tryAcquire("api", { key: `${long}2` });
    const { byRequests } = rs.heavyHitters("api", { count: 100 });
    assert.equal(byRequests.length, 100);
    assert.ok(byRequests.slice(0, 2).some(({ key }) => key === "heavy"));
    const shown = byRequests.filter(({ key }) => key?.startsWith("xxx")).map(({ key }) => key as string);
    assert.equal(new Set(shown).size, 2, "different keys are told apart");
    for (const key of shown) assert.match(key, /^x{32}… [0-9a-f]{16}$/);
  });

  it("ends by itself if the lists are not read for ten minutes", async () => {
    const clock = new FakeClock();
    await using rs = createRateSync({ clock, limiters });
    const { sinceMs } = rs.heavyHitters("api");
    for (let i = 0; i < 1_023; i++) await rs.tryAcquire("api", { key: "ann" });
    await clock.advance(599_000);
    assert.equal(rs.heavyHitters("api").sinceMs, sinceMs);
    await clock.advance(601_000);
    await rs.tryAcquire("api", { key: "ann" });
    assert.deepEqual(rs.heavyHitters("api").byRequests, []);
    assert.equal(rs.heavyHitters("api").sinceMs, sinceMs + 1_200_000);
  });

  it("refuses a limiter that there is not, and a count that is out of range", () => {
    const rs = createRateSync<string>({ limiters });
    assert.throws(() => rs.heavyHitters("apj"), NotFoundError);
    for (const count of [0, 101, 1.5, NaN, "10" as unknown as number]) {
      assert.throws(() => rs.heavyHitters("api", { count }), { name: "RangeError", message: /from 1 to 100/ });
    }
  });
});
