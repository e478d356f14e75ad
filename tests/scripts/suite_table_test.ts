import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { filesUnder } from "../../scripts/_files.ts";
import { RUNTIMES } from "../../scripts/suite/runtimes.ts";
import { longestFirst, tasksFor } from "../../scripts/suite/selection.ts";
import { FIRST, type Row, rowOf, TABLE, WAITING } from "../../scripts/suite/table.ts";

const every = RUNTIMES.map(({ name }) => name);
const files = (await filesUnder("tests")).filter((file) => file.endsWith("_test.ts"));

const paths = TABLE.flatMap((row) => row.paths);

describe("The table of the suite", () => {
  it("names each path once, with a reason and at least one runtime", () => {
    assert.equal(new Set(paths).size, paths.length);
    for (const path of paths) assert.match(path, /(\/|_test\.ts)$/);
    for (const { on, because, more } of TABLE) {
      assert.ok(on.length > 0 && on.every((name) => every.includes(name)), because);
      assert.equal(new Set(on).size, on.length, because);
      assert.ok(more === undefined || on.includes(more), because);
      assert.ok(because.length > 10);
    }
  });

  it("gives every test file exactly one row, and names no file or folder that is not there", () => {
    assert.ok(files.length > 100);
    for (const file of files) assert.ok(TABLE.includes(rowOf(file)), file);
    const isThere = (path: string) => files.some((file) => path.endsWith("/") ? file.startsWith(path) : file === path);
    assert.deepEqual(paths.filter((path) => !isThere(path)), []);
  });

  it("runs files that it does not name on every runtime, beside others", () => {
    const { on, alone = false } = rowOf("tests/something_new/some_test.ts");
    assert.deepEqual({ on, alone }, { on: every, alone: false });
  });

  it("runs every file on Node, but what needs no API of a runtime, or is tried there by other files", () => {
    const why = /without any API of a runtime|(?:are|is) tried on every runtime by [\w., ]+_test\.ts/;
    for (const { because, on } of TABLE) assert.ok(on.includes("node") || why.test(because), because);
  });

  it("knows the files that mostly wait", () => {
    assert.deepEqual(WAITING.filter((file) => !files.includes(file)), []);
    assert.equal(new Set(WAITING).size, WAITING.length);
  });
});

describe("longestFirst()", () => {
  it("begins with the files that are named, and leaves none out", () => {
    const ordered = longestFirst(files);
    assert.deepEqual(ordered.slice(0, FIRST.length).toSorted(), FIRST.toSorted());
    assert.deepEqual(ordered.toSorted(), files.toSorted());
    assert.deepEqual(longestFirst(["tests/a_test.ts", "tests/b_test.ts"]), ["tests/b_test.ts", "tests/a_test.ts"]);
  });
});

describe("rowOf()", () => {
  const table: Row[] = [
    { paths: ["tests/"], on: ["node"], because: "any" },
    { paths: ["tests/x/", "tests/a/b_test.ts"], on: ["node"], because: "the file" },
    { paths: ["tests/a/"], on: ["node"], because: "the folder" },
  ];

  it("takes the row with the longest path, whatever the order", () => {
    assert.equal(rowOf("tests/a/b_test.ts", table).because, "the file");
    assert.equal(rowOf("tests/a/c_test.ts", table).because, "the folder");
    assert.equal(rowOf("tests/ab/c_test.ts", table).because, "any");
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
      "bun tests/algorithms/a_test.ts",
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

  it("refuses an unknown flag, and a word that matches nothing, also beside one that does", () => {
    assert.throws(() => named(["--nod"]), /expected --areas, --bun, --deno or --node, received --nod/);
    assert.throws(() => named(["zebra"]), /no file of tests\/ matches zebra/);
    assert.throws(() => named(["algorithms", "zebra"]), /no file of tests\/ matches zebra/);
  });
});
