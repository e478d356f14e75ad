import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseDuration, secondsToMs } from "../../src/base/duration.ts";

describe("parseDuration()", () => {
  it("reads a decimal number and a unit", () => {
    assert.equal(parseDuration("250ms"), 250);
    assert.equal(parseDuration("0.001ms"), 0.001);
    assert.equal(parseDuration("1.005ms"), 1.005);
    assert.equal(parseDuration("5s"), 5_000);
    assert.equal(parseDuration("0.1s"), 100);
    assert.equal(parseDuration("5m"), 300_000);
    assert.equal(parseDuration("1.5h"), 5_400_000);
    assert.equal(parseDuration("1d"), 86_400_000);
    assert.equal(parseDuration("0s"), 0);
  });

  it("refuses everything else, and says what is allowed", () => {
    const others = [
      "",
      "5",
      "s",
      "5 s",
      " 5s",
      "-5s",
      "+5s",
      "05s",
      "5.s",
      ".5s",
      "1e3s",
      "5S",
      "5min",
      "1h30m",
      "inf",
      "5s\n",
      "٥s",
    ];
    for (const text of others) {
      assert.throws(() => parseDuration(text), {
        name: "RangeError",
        message: `Cannot read duration: expected a duration such as "250ms", "5s", "5m", "1.5h" or "1d", received ${
          JSON.stringify(text)
        }`,
      });
    }
  });

  it("refuses durations that round to 0, and those beyond exact microseconds", () => {
    assert.throws(() => parseDuration("0.0004ms"), /expected a duration: 0, or 0\.001 ms to/);
    assert.throws(() => parseDuration("200000d"), /to 104 249 days, received "200000d"/);
  });

  it("is exact to the microsecond in every unit", () => {
    const units = { ms: 1n, s: 1_000n, m: 60_000n, h: 3_600_000n, d: 86_400_000n };
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(units) as (keyof typeof units)[]),
        fc.nat({ max: 1_000 }),
        fc.nat({ max: 999 }),
        (unit, whole, thousandths) => {
          const text = `${whole}.${String(thousandths).padStart(3, "0")}${unit}`;
          const us = (BigInt(whole) * 1_000n + BigInt(thousandths)) * units[unit];
          assert.equal(parseDuration(text), Number(us) / 1_000);
        },
      ),
    );
  });
});

describe("secondsToMs()", () => {
  it("is exact to the microsecond", () => {
    assert.equal(secondsToMs(30), 30_000);
    assert.equal(secondsToMs(0.1), 100);
    assert.equal(secondsToMs(1.005), 1_005);
    assert.equal(secondsToMs(0.000001), 0.001);
    assert.equal(secondsToMs(0), 0);
    fc.assert(
      fc.property(fc.nat({ max: 10_000_000_000 }), (us) => {
        assert.equal(secondsToMs(us / 1e6), us / 1e3);
      }),
    );
  });

  it("refuses what is no duration", () => {
    for (const seconds of [-1, -1e-9, 1e-9, NaN, Infinity, -Infinity, 1e300]) {
      assert.throws(() => secondsToMs(seconds), /expected a number of seconds: 0, or 0\.001 ms to/);
    }
    assert.equal(secondsToMs(-0), 0);
  });
});
