import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { filesUnder } from "../../scripts/_files.ts";
import { RUNTIMES } from "../../scripts/suite/runtimes.ts";
import { tasksFor } from "../../scripts/suite/selection.ts";
import { type Row, rowOf, TABLE } from "../../scripts/suite/table.ts";

const every = RUNTIMES.map(({ name }) => name);
const files = (await filesUnder("tests")).filter((file) => file.endsWith("_test.ts"));

describe("The table of the suite", () => {
  it("has one row for each path, with a reason and at least one runtime", () => {
    assert.equal(new Set(TABLE.map(({ path }) => path)).size, TABLE.length);
    for (const { path, on, because } of TABLE) {
      assert.ok(on.length > 0 && on.every((name) => every.includes(name)), path);
      assert.equal(new Set(on).size, on.length, path);
      assert.ok(because.length > 10, path);
      assert.match(path, /(\/|_test\.ts)$/);
    }
  });

  it("gives every test file exactly one row, and every row a test file", () => {
    assert.ok(files.length > 100);
    const used = new Set(files.map((file) => rowOf(file).path));
    assert.deepEqual(TABLE.filter(({ path }) => !used.has(path)), []);
  });

  it("runs files that it does not name on every runtime, beside others", () => {
    const { on, alone = false } = rowOf("tests/something_new/some_test.ts");
    assert.deepEqual({ on, alone }, { on: every, alone: false });
  });

  it("runs every file on Node", () => {
    assert.deepEqual(TABLE.filter(({ on }) => !on.includes("node")), []);
  });
});

describe("rowOf()", () => {
  const table: Row[] = [
    { path: "tests/", on: ["node"], because: "" },
    { path: "tests/a/b_test.ts", on: ["node"], because: "" },
    { path: "tests/a/", on: ["node"], because: "" },
  ];

  it("takes the row with the longest path, whatever the order", () => {
    assert.equal(rowOf("tests/a/b_test.ts", table).path, "tests/a/b_test.ts");
    assert.equal(rowOf("tests/a/c_test.ts", table).path, "tests/a/");
    assert.equal(rowOf("tests/ab/c_test.ts", table).path, "tests/");
  });

  it("throws for a file that is not under tests/", () => {
    assert.throws(() => rowOf("src/a_test.ts", table), /Cannot run src\/a_test\.ts: no row/);
  });
});

describe("tasksFor()", () => {
  const all = ["tests/algorithms/a_test.ts", "tests/registry/b_test.ts"];
  const named = (args: string[]) => tasksFor(all, args).map(({ runtime, file }) => `${runtime.name} ${file}`);

  it("runs each file on the runtimes of its row", () => {
    assert.deepEqual(named([]), [
      "node tests/algorithms/a_test.ts",
      ...every.map((name) => `${name} tests/registry/b_test.ts`),
    ]);
  });

  it("gives every runtime exactly the files of the table", () => {
    for (const { name } of RUNTIMES) {
      const expected = files.filter((file) => rowOf(file).on.includes(name));
      const actual = tasksFor(files, []).filter(({ runtime }) => runtime.name === name).map(({ file }) => file);
      assert.deepEqual(actual, expected);
    }
  });

  it("runs all chosen files on a runtime that is named, whatever the table says", () => {
    assert.deepEqual(named(["--bun", "alg"]), ["bun tests/algorithms/a_test.ts"]);
    assert.deepEqual(named(["--deno"]), ["deno tests/algorithms/a_test.ts", "deno tests/registry/b_test.ts"]);
  });

  it("refuses an unknown flag, and words that match nothing", () => {
    assert.throws(() => named(["--nod"]), /expected --bun, --deno or --node, received --nod/);
    assert.throws(() => named(["zebra"]), /no file of tests\/ matches zebra/);
  });
});
