import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";

import { areaLines, cpuSeconds } from "../../scripts/suite/areas.ts";
import type { FileRun } from "../../scripts/suite/run.ts";
import { type Runtime, RUNTIMES } from "../../scripts/suite/runtimes.ts";

function ran(file: string, durationMs: number): FileRun {
  return {
    runtime: RUNTIMES[0] as Runtime,
    file,
    durationMs,
    alone: false,
    waits: false,
    code: 0,
    counts: undefined,
    output: "",
  };
}

describe("areaLines()", () => {
  it("adds up each folder, the slowest first, and names the slowest files", () => {
    const runs = [ran("tests/a/x_test.ts", 1_000), ran("tests/a/b/y_test.ts", 5_500), ran("tests/a/z_test.ts", 500)];
    assert.deepEqual(areaLines(runs), [
      "   5.5 s added up, 1 runs of a file: tests/a/b",
      "   1.5 s added up, 2 runs of a file: tests/a",
      "   5.5 s in one file: Bun, tests/a/b/y_test.ts",
      "   1.0 s in one file: Bun, tests/a/x_test.ts",
      "   0.5 s in one file: Bun, tests/a/z_test.ts",
    ]);
  });

  it("says nothing about a single file", () => assert.deepEqual(areaLines([ran("tests/a_test.ts", 1)]), []));
});

describe("cpuSeconds()", () => {
  it("counts what programs took that this process ran, on Linux", () => {
    const before = cpuSeconds();
    if (process.platform !== "linux") return assert.equal(before, undefined);
    const busy =
      "for (let i = 0; i < 1e8; i++); const { user, system } = process.cpuUsage(); console.log(user + system)";
    const { status, stdout } = spawnSync(process.execPath, ["-e", busy], { encoding: "utf8" });
    assert.equal(status, 0);
    const tookS = (cpuSeconds() as number) - (before as number);
    const toldS = Number(stdout) / 1e6;
    // It ends after it has told, and the clock of a processor ticks every 10 ms.
    assert.ok(tookS > toldS - 0.05 && tookS < toldS + 1, `${tookS} s, where the program tells of ${toldS} s`);
  });
});
