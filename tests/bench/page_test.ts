import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { BENCHES, claimsText, type Row, tableText, yardstick, yardsticksText } from "../../bench/mod.ts";
import { capacitySections } from "../../scripts/bench/capacity.ts";
import { pageProblems } from "../../scripts/bench/page.ts";
import { selectBenches } from "../../scripts/bench/selection.ts";

describe("BENCHMARKS.md", () => {
  it("shows what the results say, with its plots", async () => {
    assert.deepEqual(await pageProblems(), []);
  });
});

describe("docs/capacity.md", () => {
  const rows = (bench: string, ...rows: Row[]): [string, { rows: Row[] }] => [bench, { rows }];
  const cost = (decision: string, redis: number, own: number): Row => {
    return { decision, "Redis µs a decision": redis, "own µs a decision": own };
  };
  const kinds = ["token bucket", "fixed window", "sliding window counter", "sliding window", "two token buckets"];
  const results = new Map([
    rows("redis_cpu", ...kinds.map((kind) => cost(kind, 1.2, 3))),
    rows(
      "hot_key",
      cost("allowed: tryAcquire", 0.5, 4),
      cost("allowed: tryAcquire with token leases of 100 ms", 0, 0.6),
      cost("denied: tryAcquire", 0, 0.5),
    ),
    rows("growth_concurrency", {
      "calls in flight": 10,
      "decisions a script call": 9.8,
      "command µs a decision": 12,
    }),
    rows(
      "postgres",
      ...[64, 500].flatMap((inFlight) =>
        ["token bucket", "fixed window", "permits, taken and given back"].map((name) => {
          return {
            "what is measured": name,
            "in flight": inFlight,
            "server µs a decision": inFlight / 10,
            "own µs a decision": 7,
          };
        })
      ),
    ),
    rows(
      "nats",
      ...[1_000, 1].map((keys) => {
        return {
          "decisions on NATS": "tryAcquire on NATS",
          keys,
          "NATS µs a decision": keys === 1 ? 2 : 4,
          "clients µs a decision": 12,
        };
      }),
    ),
    rows("growth_keys", { keys: 100, "Redis MB": 1 }, { keys: 100_000, "Redis MB": 14 }),
  ]);

  it("plans loads by what a decision costs, at 60 % of a core", () => {
    const sections = new Map(capacitySections(results));
    const cells = (section: string) =>
      sections.get(section)?.split("\n").slice(2).map((line) =>
        line.split("|").slice(1, -1).map((cell) => cell.trim())
      );
    // 1e7 × 1.2 µs are 12 cores; with nine of ten spared, 1.2; divided by 0.6.
    assert.deepEqual(cells("capacity_loads")?.[3], ["10 000 000", "20", "50", "2", "14"]);
    assert.deepEqual(cells("capacity_costs")?.[0], ["token bucket, many keys", "1.2", "830 000", "3", "330 000"]);
    const others = cells("capacity_others");
    assert.deepEqual(others?.[3], ["PostgreSQL, 500 in flight: token bucket", "50", "20 000", "7"]);
    assert.deepEqual(others?.at(-1)?.slice(1), ["2", "500 000", "12"]);
    assert.deepEqual(cells("capacity_memory"), [["100 000", "14", "140"]]);
  });

  it("is not written if a figure is missing", () => {
    const lacking = new Map([...results, rows("hot_key", cost("denied: tryAcquire", 0, 0.5))]);
    assert.throws(() => capacitySections(lacking), /Cannot plan by hot_key/);
  });
});

describe("selectBenches()", () => {
  const names = Object.keys(BENCHES);

  it("takes every bench on Node without arguments", () => {
    assert.deepEqual(selectBenches([], names), { runtime: "node", names, quick: false });
  });

  it("takes a bench by its name, and several by a part of theirs", () => {
    assert.deepEqual(selectBenches(["memory", "--bun"], names), { runtime: "bun", names: ["memory"], quick: false });
    assert.deepEqual(
      selectBenches(["growth"], names).names,
      names.filter((name) => name.startsWith("growth_")),
    );
  });

  it("refuses an unknown name", () => {
    assert.throws(() => selectBenches(["nothing"], names), /nothing is in none of/);
    assert.throws(() => selectBenches(["--rust"], names), /--node, --deno, --bun/);
    assert.throws(() => selectBenches(["--node", "--bun"], names), /--node, --deno, --bun/);
  });
});

describe("the tables of the benches", () => {
  const verdicts = (better: "higher" | "lower", figures: readonly (number | null)[]) =>
    claimsText(
      figures.map((measured) => ({
        what: "a",
        unit: "x",
        must: 3,
        aim: better === "higher" ? 4 : 2,
        better,
        measured,
      })),
    )
      .split("\n").slice(2).map((line) => line.split(" | ")[4]);

  it("tell whether a claim holds", () => {
    assert.deepEqual(verdicts("higher", [2.9, 3, 4, null]), ["no", "must", "aim", "?"]);
    assert.deepEqual(verdicts("lower", [4.1, 3, 2, null]), ["no", "must", "aim", "?"]);
  });

  it("tell what a time would be where its goal was set", () => {
    const claims = [3.4, 6.8, 1.7].map((now) => ({
      what: "a",
      better: "lower",
      unit: " µs",
      must: 2,
      aim: 1,
      measured: 2,
      yardstick: yardstick("a peer", 3.4, now),
    } as const));
    const cells = claimsText(claims).split("\n").slice(2).map((line) => line.split(" | ").slice(3).join(", "));
    assert.deepEqual(cells, ["2 µs, must, 2 µs, must |", "2 µs, must, 1 µs, aim |", "2 µs, must, 4 µs, no |"]);
    assert.equal(yardsticksText(claims.slice(0, 1)), "- a peer: 3.4 µs then, 3.4 µs here");
    assert.equal(yardstick("noise", 3.4, -1).now, null);
  });

  it("write numbers with three digits that count, and leave out what is not a number", () => {
    assert.equal(
      tableText([{ a: 1_234_567.8, b: 0.001234, c: 12.3456 }, { a: 1234.5, b: NaN, c: null }]),
      "| a | b | c |\n| --- | --- | --- |\n| 1 234 568 | 0.00123 | 12.3 |\n| 1235 |  |  |",
    );
  });
});
