import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { LimiterTotals } from "../../src/fleet/limiter_totals.ts";
import { ProcessHistory } from "../../src/fleet/process_history.ts";
import { readReport } from "../../src/fleet/read_report.ts";
import { addHistograms, Durations, percentile } from "../../src/registry/reports/histogram.ts";
import { limiterReport, processReport } from "./_reports.ts";

describe("A histogram of a report", () => {
  it("gives each percentile at most a tenth too large, and never too small", () => {
    const times = fc.array(fc.double({ min: 0.01, max: 1e8, noNaN: true }), { minLength: 1, maxLength: 40 });
    fc.assert(fc.property(times, fc.constantFrom(0.01, 0.5, 0.9, 0.99, 1), (all, share) => {
      const durations = new Durations();
      for (const ms of all) durations.add(ms);
      const exact = all.toSorted((a, b) => a - b)[Math.max(Math.ceil(share * all.length - 1e-9) - 1, 0)] as number;
      const found = percentile(durations.histogram, share) as number;
      assert.ok(found >= exact * (1 - 1e-9) && found <= exact * 1.1, `${found} for ${exact}`);
    }));
    assert.equal(percentile([], 0.5), undefined);
  });

  it("adds up, and forgets what was counted before", () => {
    const durations = new Durations();
    durations.add(1);
    const before = durations.histogram;
    for (const ms of [NaN, -1, 0, 1, 1, 1e300]) durations.add(ms);
    const since = addHistograms([durations.histogram], [before]);
    assert.deepEqual(since.filter((_, i) => i % 2 === 1), [3, 2, 1]);
    assert.deepEqual(addHistograms([before, since]), durations.histogram);
    assert.deepEqual(addHistograms([before], [durations.histogram]), [], "a count never falls below 0");
  });
});

describe("The history of a process", () => {
  const ratesAt = (history: ProcessHistory) => history.ratesOf(history.latest?.limiters[0] ?? limiterReport());

  it("gives rates from two reports, also where one between them was missed or is read twice", () => {
    const history = new ProcessHistory();
    history.add(processReport(1, [limiterReport({ allowed: 10, denied: { rate: 4 } })]), 0);
    assert.equal(ratesAt(history).allowed, 10, "the first one counts since the process is watched");
    history.add(
      processReport(4, [limiterReport({ allowed: 70, denied: { rate: 4, blocked: 6 }, degraded: 3 })]),
      3_000,
    );
    history.add(processReport(4, [limiterReport({ allowed: 70, denied: { rate: 4, blocked: 6 } })]), 3_500);
    const { allowed, denied, degraded } = ratesAt(history);
    assert.deepEqual({ allowed, denied: [...denied], degraded }, {
      allowed: 20,
      denied: [["rate", 0], ["blocked", 2]],
      degraded: 1,
    });
  });

  it("begins anew where the process counts anew, and shows no rate below 0", () => {
    const history = new ProcessHistory();
    history.add(processReport(8, [limiterReport({ allowed: 800 })]), 0);
    history.add(processReport(9, [limiterReport({ allowed: 5 })]), 1_000);
    assert.equal(ratesAt(history).allowed, 0, "its metrics were reset");
    history.add(processReport(1, [limiterReport({ allowed: 7 })]), 9_000);
    assert.equal(ratesAt(history).allowed, 7);
    history.add(processReport(0, [limiterReport()]), 10_000);
    assert.equal(ratesAt(history).allowed, 0, "a report of no time has no rate");
  });

  it("knows no rate of a limiter that was left out of the report before", () => {
    const history = new ProcessHistory();
    history.add(processReport(1, [], { leftOut: 1 }), 0);
    history.add(processReport(2, [limiterReport({ allowed: 1_000_000 })]), 1_000);
    assert.equal(ratesAt(history).allowed, 0);
    history.add(processReport(3, [limiterReport({ allowed: 1_000_003 })]), 2_000);
    assert.equal(ratesAt(history).allowed, 3);
  });

  it("is silent some seconds after the last new report", () => {
    const history = new ProcessHistory();
    history.add(processReport(1), 0);
    history.add(processReport(1), 3_000);
    assert.equal(history.isSilent(3_400), false);
    assert.equal(history.isSilent(3_600), true);
  });
});

describe("The totals of a limiter", () => {
  it("tell rules that differ, those of most processes first, and the keys of all", () => {
    const totals = new LimiterTotals("s", "api");
    const add = (label: string, changes: Parameters<typeof limiterReport>[0], allowed: number) => {
      totals.add(label, limiterReport(changes), {
        allowed,
        denied: new Map([["rate", 1]]),
        degraded: 0,
        deniedBy: [{ rule: "5 per 1 s", keyClass: "key", perSecond: allowed }],
        waits: [],
      });
    };
    add("a:1", { rules: "six", permits: 2, topRequests: [{ key: "x", count: 3 }] }, 1);
    add("a:2", { permits: 1, topRequests: [{ key: "y", count: 2 }, { key: "x", count: 1 }] }, 2);
    add("a:3", { waiting: 4, topDenials: [{ key: "__proto__", count: 9 }] }, 3);
    const { perSecond, deniedPerSecond, permits, waiting, processes, rules, topRequests, topDenials } = totals.total;
    assert.deepEqual({ perSecond, deniedPerSecond, permits, waiting, processes }, {
      perSecond: 9,
      deniedPerSecond: { rate: 3 },
      permits: 3,
      waiting: 4,
      processes: 3,
    });
    assert.deepEqual(rules.map((each) => each.processes), [["a:2", "a:3"], ["a:1"]]);
    assert.deepEqual(totals.total.deniedBy, [{ rule: "5 per 1 s", keyClass: "key", perSecond: 6 }]);
    assert.deepEqual(topRequests, [{ key: "x", count: 4 }, { key: "y", count: 2 }]);
    assert.deepEqual(topDenials, [{ key: "__proto__", count: 9 }]);
  });
});

describe("readReport()", () => {
  const good = processReport(3, [
    limiterReport({
      denied: { rate: 2 },
      deniedBy: [{ rule: "r", keyClass: "k", count: 2 }],
      waits: [3, 1],
      topDenials: [{ key: "k", count: 2 }],
    }),
  ]);

  it("reads what processes of this version write, and ignores what it does not know", () => {
    assert.deepEqual(readReport(JSON.stringify(good)), good);
    assert.deepEqual(readReport(JSON.stringify({ ...good, later: { more: true } })), good);
  });

  it("reads nothing of another version, of another program, or of what is no report", () => {
    const bad = [
      "",
      "null",
      "[]",
      "{}",
      "1",
      '"text"',
      "{",
      "\u0000",
      JSON.stringify({ ...good, format: 2 }),
      // 2^1024 ms: found by the property below.
      JSON.stringify({ ...good, limiters: [{ ...good.limiters[0], waits: [8_192, 1] }] }),
      "[".repeat(60_000),
    ];
    for (const text of bad) assert.equal(readReport(text), undefined, text.slice(0, 40));
  });

  it("never throws and shows only what fits, whatever stands in a report", () => {
    const places = pathsOf(good);
    const junk = fc.oneof(
      fc.anything(),
      fc.constantFrom("x".repeat(60_000), -1, 1e308, 0.5, null, [], {}, new Array(5_000).fill(1), {
        __proto__: null,
        constructor: 1,
      }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...places), junk, (path, value) => {
        let text: string;
        try {
          text = JSON.stringify(withValue(good, path, value)) ?? "";
        } catch {
          return; // what JSON cannot hold cannot be posted
        }
        const read = readReport(text);
        if (read === undefined) return;
        const history = new ProcessHistory();
        history.add(read, 0);
        const totals = new LimiterTotals("s", "api");
        for (const limiter of read.limiters) totals.add(read.label, limiter, history.ratesOf(limiter));
        const shown = JSON.stringify([read, totals.total]);
        assert.ok(
          shown.length < 40_000 && !/null|NaN|Infinity/.test(shown.replace(/"(?:[^"\\]|\\.)*"/g, "")),
          shown.slice(0, 400),
        );
      }),
      { numRuns: 2_000 },
    );
  });
});

type Path = readonly (string | number)[];

/** The ways to all values of an object. */
function pathsOf(value: unknown, way: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [way];
  const inside = Object.entries(value).flatMap(([name, each]) => pathsOf(each, [...way, name]));
  return way.length === 0 ? inside : [way, ...inside];
}

function withValue(object: unknown, [name, ...rest]: Path, value: unknown): unknown {
  if (name === undefined) return value;
  const copy = Array.isArray(object) ? [...object] : { ...object as object };
  (copy as Record<string | number, unknown>)[name] = withValue(
    (copy as Record<string | number, unknown>)[name],
    rest,
    value,
  );
  return copy;
}
