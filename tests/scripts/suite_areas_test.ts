import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

import { filesUnder } from "../../scripts/_files.ts";
import { areaOf, areasOf, filesFor } from "../../scripts/suite/areas.ts";
import { RUNTIMES } from "../../scripts/suite/runtimes.ts";
import { tasksFor } from "../../scripts/suite/selection.ts";

const files = (await filesUnder("tests")).filter((file) => file.endsWith("_test.ts"));

describe("filesFor()", () => {
  const all = [
    "tests/a/one_test.ts",
    "tests/a/b/two_test.ts",
    "tests/a/b/c/three_test.ts",
    "tests/a/b_more/four_test.ts",
    "tests/x/a_test.ts",
  ];
  const named = (word: string) => filesFor(word, all).map((file) => /(\w+)_test/.exec(file)?.[1]);

  it("takes the files of the area that a word names, and none below or beside it", () => {
    assert.deepEqual(named("a"), ["one"]);
    assert.deepEqual(named("a/b"), ["two"]);
    assert.deepEqual(named("tests/a/b"), ["two"]);
    assert.deepEqual(named("./tests/a/b"), ["two"]);
    assert.deepEqual(named("a/b/c"), ["three"]);
  });

  it("takes those whose path contains a word that names no area", () => {
    assert.deepEqual(named("b"), ["two", "three", "four"]);
    assert.deepEqual(named("a/b/"), ["two", "three"]);
    assert.deepEqual(named("tests/a/"), ["one", "two", "three", "four"]);
    assert.deepEqual(named("tests"), ["one", "two", "three", "four", "a"]);
    assert.deepEqual(named("zebra"), []);
  });

  it("takes each area of the suite by its name", () => {
    for (const area of areasOf(files)) {
      assert.deepEqual(filesFor(area, files), files.filter((file) => areaOf(file) === area), area);
    }
  });
});

describe("The areas of the suite", () => {
  const rows = readFileSync("CONTRIBUTING.md", "utf8").split("\n").flatMap((line) => {
    const [, area, about, on, seconds] = /^\| `([\w/]+)` +\| (.+?) *\| ([\w, ]+?) *\| +([\d.]+) \|$/.exec(line) ?? [];
    return area === undefined ? [] : [{ area, about, on, seconds: Number(seconds) }];
  });

  it("are folders: no file lies in tests/ itself", () => {
    assert.deepEqual(files.filter((file) => file.split("/").length < 3), []);
  });

  it("are listed by CONTRIBUTING, with the runtimes of their files", () => {
    const actual = areasOf(files).map((area) => {
      const tasks = tasksFor(files.filter((file) => areaOf(file) === area), []);
      const on = RUNTIMES.filter((runtime) => tasks.some((task) => task.runtime === runtime));
      return { area, on: on.map(({ title }) => title).join(", ") };
    });
    assert.deepEqual(rows.map(({ area, on }) => ({ area, on })), actual);
  });
});
