import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { countTests } from "../../scripts/suite/junit.ts";
import type { FileRun } from "../../scripts/suite/run.ts";
import { type Runtime, RUNTIMES } from "../../scripts/suite/runtimes.ts";
import { describeFile, describeRuntime, nodeTotals, outputOf, problemsOf } from "../../scripts/suite/summary.ts";

describe("countTests()", () => {
  it("counts Node's report, and keeps its totals", () => {
    const xml = `<testsuites>
	<testsuite name="outer" tests="2">
		<testcase name="one" time="0.1"/>
		<testcase name="two"><skipped type="skipped" message="why"/></testcase>
	</testsuite>
	<testcase name="three"><failure message="1 &gt; 2&#10;">at (file:///x/tests/a/b_test.ts:3:61)</failure></testcase>
	<!-- tests 3 -->
	<!-- duration_ms 293.15 -->
</testsuites>`;
    assert.deepEqual(countTests(xml), {
      tests: 3,
      failures: ["three (tests/a/b_test.ts:3): 1 > 2"],
      skipped: 1,
      closing: { tests: 3, duration_ms: 293.15 },
    });
  });

  it("counts no suite that Deno lists as a test", () => {
    const xml = `<testcase name="outer"></testcase>
<testcase name="outer &gt; inner">
</testcase>
<testcase name="outer &gt; inner &gt; one"></testcase>
<testcase name="outer &gt; two"><skipped/></testcase>`;
    assert.deepEqual(countTests(xml), { tests: 2, failures: [], skipped: 1, closing: {} });
  });
});

describe("countTests() of suites that failed", () => {
  it("counts the test that made it fail, or else the suite", () => {
    const failure = "<failure>at line 3</failure>";
    const xml =
      `<testcase name="a" classname="./tests/a_test.ts">${failure}</testcase><testcase name="a &gt; one">${failure}</testcase>
<testcase name="b" file="tests/b_test.ts">${failure}</testcase><testcase name="b &gt; two"></testcase>`;
    assert.deepEqual(countTests(xml), {
      tests: 3,
      failures: ["a > one: ", "b: "],
      skipped: 0,
      closing: {},
    });
  });
});

const [bun, deno, node] = RUNTIMES as [Runtime, Runtime, Runtime];

/** The run of a file that passed, but for what is given. */
function runOf(
  runtime: Runtime,
  counts: Partial<FileRun["counts"]> | undefined = {},
  more: Partial<FileRun> = {},
): FileRun {
  const passed = { tests: 4, failures: [], skipped: 0, closing: {} };
  return {
    runtime,
    file: "tests/a_test.ts",
    alone: false,
    waits: false,
    code: 0,
    durationMs: 1_250,
    output: "",
    counts: { ...passed, ...counts },
    ...more,
  };
}

describe("problemsOf()", () => {
  it("finds none when every runtime ran every test", () => {
    assert.deepEqual(problemsOf([runOf(bun), runOf(deno), runOf(node, { tests: 7 }, { file: "tests/b_test.ts" })]), []);
  });

  it("names the failed tests of a file", () => {
    assert.deepEqual(problemsOf([runOf(bun), runOf(deno, { failures: ["a: 1 > 2", "b: no"] }, { code: 1 })]), [
      "FAILED: Deno, tests/a_test.ts: it ended with code 1, 2 tests failed",
      "  Deno: a: 1 > 2",
      "  Deno: b: no",
    ]);
  });

  it("finds a file that ended before its report, and one that hangs", () => {
    assert.deepEqual(problemsOf([runOf(bun, {}, { code: 128, counts: undefined })]), [
      "FAILED: Bun, tests/a_test.ts: it ended with code 128 before it wrote its report",
    ]);
    assert.deepEqual(problemsOf([runOf(bun, {}, { code: 124, counts: undefined })]), [
      "FAILED: Bun, tests/a_test.ts: a test hangs: the file was ended after 300 s",
    ]);
  });

  it("finds a skipped test, and a file without a test", () => {
    assert.deepEqual(problemsOf([runOf(deno, { skipped: 1 })]), [
      "FAILED: Deno, tests/a_test.ts: it skipped 1 tests",
    ]);
    assert.deepEqual(problemsOf([runOf(deno, { tests: 0 })]), ["FAILED: Deno, tests/a_test.ts: it ran no test"]);
  });

  it("finds a file that runs fewer tests on one runtime than on another", () => {
    assert.deepEqual(problemsOf([runOf(bun), runOf(deno, { tests: 3 }), runOf(node)]), [
      "FAILED: Deno, tests/a_test.ts: it ran 3 tests where another runtime ran 4",
    ]);
  });

  it("wants more tests of the runtime that has more by the table, and no more of the others", () => {
    const clients = { file: "tests/stores/redis/clients/clients_test.ts" };
    assert.deepEqual(problemsOf([runOf(bun, { tests: 5 }, clients), runOf(deno, {}, clients)]), []);
    assert.deepEqual(problemsOf([runOf(bun, {}, clients), runOf(deno, {}, clients)]), [
      "FAILED: Bun, tests/stores/redis/clients/clients_test.ts: it ran 4 tests where another runtime ran 4",
    ]);
  });
});

describe("describeFile() and describeRuntime()", () => {
  it("say how a file and a runtime fared", () => {
    const good = runOf(deno);
    const bad = runOf(deno, { failures: ["a"] }, { code: 1, file: "tests/b_test.ts" });
    assert.equal(describeFile(good), "ok     Deno tests/a_test.ts: 4 tests, 1.3 s");
    assert.equal(describeFile(bad), "FAILED Deno tests/b_test.ts: 4 tests, 1.3 s");
    assert.equal(
      describeRuntime(deno, [good, runOf(node)]),
      "Deno  passed: 4 tests, 0 failed, 0 skipped, files: 1, 1.3 s added up",
    );
    assert.equal(
      describeRuntime(deno, [good, bad]),
      "Deno  FAILED: 8 tests, 1 failed, 0 skipped, files: 2, 1 of them failed, 2.5 s added up",
    );
  });
});

describe("outputOf()", () => {
  it("leaves out the tests that passed, on every runtime", () => {
    const output = [
      "  ✔ one passes (1.5ms)",
      "  ✖ one fails (2ms)",
      "(pass) a > one [0.10ms]",
      "(fail) a > two [0.20ms]",
      "  one passes ... ok (3ms)",
      "  one fails ... FAILED (4ms)",
      "    at tests/a_test.ts:3:5",
    ].join("\n");
    assert.deepEqual(outputOf(runOf(node, {}, { output })).split("\n"), [
      "  ✖ one fails (2ms)",
      "(fail) a > two [0.20ms]",
      "  one fails ... FAILED (4ms)",
      "    at tests/a_test.ts:3:5",
    ]);
  });
});

describe("nodeTotals()", () => {
  const closing = { tests: 4, suites: 1, pass: 4, fail: 0, cancelled: 0, skipped: 0, todo: 0, duration_ms: 9 };

  it("adds up the totals of Node's runner over its files, in its order", () => {
    const runs = [runOf(node, { closing }), runOf(bun), runOf(node, { closing }, { file: "tests/b_test.ts" })];
    assert.deepEqual(nodeTotals(runs, 1_500), [
      "# tests 8",
      "# suites 2",
      "# pass 8",
      "# fail 0",
      "# cancelled 0",
      "# skipped 0",
      "# todo 0",
      "# duration_ms 1500",
    ]);
  });

  it("counts a file that broke as a failed test", () => {
    const lines = nodeTotals([runOf(node, { closing }), runOf(node, {}, { code: 124, counts: undefined })], 1);
    assert.deepEqual(lines.slice(0, 4), ["# tests 5", "# suites 1", "# pass 4", "# fail 1"]);
  });

  it("is empty where Node ran nothing", () => {
    assert.deepEqual(nodeTotals([runOf(bun)], 1), []);
  });
});
