import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { tasksAgain, unstableLines, withAgain } from "../../scripts/suite/again.ts";
import type { FileRun } from "../../scripts/suite/run.ts";
import { type Runtime, RUNTIMES } from "../../scripts/suite/runtimes.ts";

const runtime = RUNTIMES.find(({ name }) => name === "node") as Runtime;
const GOOD = { tests: 1, failures: [], skipped: 0, closing: {} };

function runOf(file: string, code: number, more: Partial<FileRun> = {}): FileRun {
  return { runtime, file, alone: false, waits: false, code, durationMs: 1, output: "", counts: GOOD, ...more };
}

describe("A file that failed beside others", () => {
  it("runs once more, alone", () => {
    const tasks = tasksAgain([runOf("a", 0), runOf("b", 1)]);
    assert.deepEqual(tasks, [{ runtime, file: "b", alone: true, waits: false }]);
  });

  it("does not where nothing failed, much did, or it was alone", () => {
    assert.deepEqual(tasksAgain([runOf("a", 0), runOf("b", 0)]), []);
    assert.deepEqual(tasksAgain(["a", "b", "c", "d", "e", "f"].map((file) => runOf(file, 1))), []);
    assert.deepEqual(tasksAgain([runOf("a", 0), runOf("b", 1, { alone: true })]), []);
    assert.deepEqual(tasksAgain([runOf("a", 1)]), []);
  });

  it("is named where it passes then, and still failed where it does not", () => {
    const first = [runOf("a", 1), runOf("b", 1), runOf("c", 0)];
    const again = [runOf("a", 0), runOf("b", 1)];
    assert.deepEqual(withAgain(first, again).map(({ code }) => code), [0, 1, 0]);
    assert.deepEqual(unstableLines(again), [
      "UNSTABLE: Node, a: it failed beside others, and passed alone; the first run stands above",
    ]);
  });
});
