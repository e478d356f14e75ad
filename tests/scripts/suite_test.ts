import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { countTests } from "../../scripts/suite/junit.ts";
import type { SuiteRun } from "../../scripts/suite/run.ts";
import { RUNTIMES } from "../../scripts/suite/runtimes.ts";
import { nodeSummary, problemsOf } from "../../scripts/suite/summary.ts";

describe("countTests()", () => {
  it("counts Node's report, and keeps its closing lines", () => {
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
      closing: ["tests 3", "duration_ms 293.15"],
    });
  });

  it("counts no suite that Deno lists as a test", () => {
    const xml = `<testcase name="outer"></testcase>
<testcase name="outer &gt; inner">
</testcase>
<testcase name="outer &gt; inner &gt; one"></testcase>
<testcase name="outer &gt; two"><skipped/></testcase>`;
    assert.deepEqual(countTests(xml), { tests: 2, failures: [], skipped: 1, closing: [] });
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
      closing: [],
    });
  });
});

describe("problemsOf()", () => {
  const [bun, deno] = RUNTIMES as [SuiteRun["runtime"], SuiteRun["runtime"]];
  const good: SuiteRun = {
    runtime: bun,
    code: 0,
    durationMs: 1,
    output: "",
    counts: { tests: 100, failures: [], skipped: 0, closing: [] },
  };

  function withCounts(counts: Partial<NonNullable<SuiteRun["counts"]>>): SuiteRun {
    return {
      ...good,
      runtime: deno,
      counts: { tests: 100, failures: [], skipped: 0, closing: [], ...counts },
    };
  }

  it("finds none when every runtime ran every test", () => {
    assert.deepEqual(problemsOf([good, withCounts({ tests: 98 })], 10), []);
  });

  it("finds a runtime that failed, and names its tests", () => {
    const run = { ...withCounts({ failures: ["a: 1 > 2", "b: no"] }), code: 1 };
    const expected = ["FAILED: Deno ended with code 1, 2 tests failed", "  Deno: a: 1 > 2", "  Deno: b: no"];
    assert.deepEqual(problemsOf([good, run], 10), expected);
  });

  it("finds a runtime that died before its report", () => {
    const run = { ...good, code: 128, counts: undefined };
    assert.deepEqual(problemsOf([run], 10), ["FAILED: Bun ended with code 128 before it wrote its report"]);
  });

  it("finds a runtime that hangs", () => {
    const run = { ...good, code: 124, counts: undefined };
    assert.deepEqual(problemsOf([run], 10), ["FAILED: Bun was ended when its time was up: a test hangs"]);
  });

  it("finds a skipped test", () => {
    assert.deepEqual(problemsOf([good, withCounts({ skipped: 1 })], 10), ["FAILED: Deno skipped 1 tests"]);
  });

  it("finds a runtime that ran too few tests, even alone", () => {
    const expected = ["FAILED: Deno ran 50 tests where 100 were expected"];
    assert.deepEqual(problemsOf([good, withCounts({ tests: 50 })], 10), expected);
    assert.deepEqual(problemsOf([withCounts({ tests: 0 })], 10), ["FAILED: Deno ran 0 tests where 10 were expected"]);
  });
});

describe("nodeSummary()", () => {
  it("repeats the closing lines of Node's runner, and says nothing for the others", () => {
    const node = { tests: 1, failures: [], skipped: 0, closing: ["tests 1", "pass 1"] };
    const run = { runtime: RUNTIMES[2]!, code: 0, durationMs: 1, output: "" };
    assert.deepEqual(nodeSummary({ ...run, counts: node }), ["# tests 1", "# pass 1"]);
    assert.deepEqual(nodeSummary({ ...run, counts: undefined }), []);
  });
});
