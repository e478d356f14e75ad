import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { BENCHES, claimsText, tableText } from "../../bench/mod.ts";
import { pageProblems } from "../../scripts/bench/page.ts";
import { selectBenches } from "../../scripts/bench/selection.ts";

describe("BENCHMARKS.md", () => {
  it("shows what the results say, with its plots", async () => {
    assert.deepEqual(await pageProblems(), []);
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

  it("refuses what it does not know", () => {
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
      .split("\n").slice(2).map((line) => line.split(" | ").at(-1)?.replace(" |", ""));

  it("tell whether a claim holds", () => {
    assert.deepEqual(verdicts("higher", [2.9, 3, 4, null]), ["no", "must", "aim", "?"]);
    assert.deepEqual(verdicts("lower", [4.1, 3, 2, null]), ["no", "must", "aim", "?"]);
  });

  it("write numbers with three digits that count, and leave out what is not a number", () => {
    assert.equal(
      tableText([{ a: 1_234_567.8, b: 0.001234, c: 12.3456 }, { a: 1234.5, b: NaN, c: null }]),
      "| a | b | c |\n| --- | --- | --- |\n| 1 234 568 | 0.00123 | 12.3 |\n| 1235 |  |  |",
    );
  });
});
