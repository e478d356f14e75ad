import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { afterAnother, deservesAnother } from "../../scripts/suite/again.ts";
import { countTests } from "../../scripts/suite/junit.ts";
import type { SuiteRun } from "../../scripts/suite/run.ts";
import { RUNTIMES } from "../../scripts/suite/runtimes.ts";
import { nodeSummary, problemsOf, unsteadyIn } from "../../scripts/suite/summary.ts";

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
      failedFiles: ["tests/a/b_test.ts"],
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
    assert.deepEqual(countTests(xml), { tests: 2, failures: [], failedFiles: [], skipped: 1, closing: [] });
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
      failedFiles: ["tests/a_test.ts", "tests/b_test.ts"],
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
    unsteady: [],
    counts: { tests: 100, failures: [], failedFiles: [], skipped: 0, closing: [] },
  };

  function withCounts(counts: Partial<NonNullable<SuiteRun["counts"]>>): SuiteRun {
    return {
      ...good,
      runtime: deno,
      counts: { tests: 100, failures: [], failedFiles: [], skipped: 0, closing: [], ...counts },
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
    const node = { tests: 1, failures: [], failedFiles: [], skipped: 0, closing: ["tests 1", "pass 1"] };
    const run = { runtime: RUNTIMES[2]!, code: 0, durationMs: 1, output: "", unsteady: [] };
    assert.deepEqual(nodeSummary({ ...run, counts: node }), ["# tests 1", "# pass 1"]);
    assert.deepEqual(nodeSummary({ ...run, counts: undefined }), []);
  });
});

describe("What failed", () => {
  const counts = {
    tests: 100,
    failures: ["a: 1 > 2"],
    failedFiles: ["tests/a_test.ts"],
    skipped: 0,
    closing: ["tests 100", "pass 99", "fail 1"],
  };
  const first: SuiteRun = { runtime: RUNTIMES[2]!, code: 1, durationMs: 1, output: "", unsteady: [], counts };
  const good = { ...counts, tests: 1, failures: [], failedFiles: [], closing: ["tests 1", "pass 1", "fail 0"] };

  it("is looked at once more, unless it is much, hangs, or is nowhere", () => {
    assert.equal(deservesAnother(first), true);
    assert.equal(deservesAnother({ ...first, code: 0 }), false);
    assert.equal(deservesAnother({ ...first, code: 124 }), false);
    assert.equal(deservesAnother({ ...first, counts: undefined }), false);
    for (const [files, expected] of [[0, false], [3, true], [4, false]] as const) {
      const failedFiles = Array.from({ length: files }, (_, i) => `tests/${i}_test.ts`);
      assert.equal(deservesAnother({ ...first, counts: { ...counts, failedFiles } }), expected);
    }
  });

  it("is unsteady if it then passes, and is named", () => {
    const run = afterAnother(first, { ...first, code: 0, counts: good });
    assert.deepEqual(problemsOf([run], 10), []);
    assert.deepEqual(unsteadyIn(run), ["UNSTEADY: Node failed at first, and not alone: a: 1 > 2"]);
    assert.deepEqual(nodeSummary(run), ["# tests 100", "# pass 100", "# fail 0"]);
  });

  it("has failed if it fails again, or dies", () => {
    const again = afterAnother(first, { ...first, counts: { ...good, failures: ["a: 1 > 3"] } });
    assert.deepEqual(problemsOf([again], 10), ["FAILED: Node ended with code 1, 1 tests failed", "  Node: a: 1 > 3"]);
    assert.deepEqual(unsteadyIn(again), []);
    assert.deepEqual(nodeSummary(again), ["# tests 100", "# pass 99", "# fail 1"]);
    assert.deepEqual(afterAnother(first, { ...first, code: 128, counts: undefined }), first);
  });
});
