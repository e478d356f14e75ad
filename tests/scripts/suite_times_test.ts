import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";

import { run } from "../../scripts/_process.ts";
import { TemporaryFolder } from "../../scripts/_temporary.ts";
import type { FileRun } from "../../scripts/suite/run.ts";
import { type Runtime, RUNTIMES } from "../../scripts/suite/runtimes.ts";
import type { Task } from "../../scripts/suite/selection.ts";
import { secondsOf, telling } from "../../scripts/suite/shell_times.ts";
import { areaLines, areaTable, cpuSeconds, runAreas, timed, totalLine } from "../../scripts/suite/times.ts";

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
      "   5.5 s added up, 1 runs of a file: a/b",
      "   1.5 s added up, 2 runs of a file: a",
      "   5.5 s in one file: Bun, tests/a/b/y_test.ts",
      "   1.0 s in one file: Bun, tests/a/x_test.ts",
      "   0.5 s in one file: Bun, tests/a/z_test.ts",
    ]);
  });

  it("adds up the processor time where it is known of each file", () => {
    const [a, b] = [ran("tests/a/x_test.ts", 1_000), ran("tests/a/z_test.ts", 500)];
    assert.equal(
      areaLines([{ ...a, cpuS: 1.25 }, { ...b, cpuS: 2 }])[0],
      "   1.5 s added up, 3.3 s of processor time, 2 runs of a file: a",
    );
    assert.equal(areaLines([{ ...a, cpuS: 1.25 }, b])[0], "   1.5 s added up, 2 runs of a file: a");
  });

  it("says nothing about a single file", () => assert.deepEqual(areaLines([ran("tests/a/x_test.ts", 1)]), []));
});

describe("totalLine()", () => {
  const [a, b] = [ran("tests/a/x_test.ts", 1), ran("tests/a/b/y_test.ts", 1)];

  it("names an area that ran by itself", () => {
    assert.equal(totalLine([a, a], { wallMs: 1_250, cpuS: 2 }), "a: 1.3 s, 2.0 s of processor time");
    assert.equal(totalLine([a, b], { wallMs: 1_250, cpuS: 2 }), "All: 1.3 s, 2.0 s of processor time");
  });

  it("tells no processor time where the system does not", () => {
    assert.equal(totalLine([a, b], { wallMs: 1_000, cpuS: undefined }), "All: 1.0 s");
  });
});

describe("runAreas()", () => {
  it("runs one area after the other, and every file once", async () => {
    const files = ["tests/b/x_test.ts", "tests/a/y_test.ts", "tests/b/z_test.ts", "tests/b/c/x_test.ts"];
    const tasks: Task[] = [...files, "tests/a/y_test.ts"].map((file) => ran(file, 1));
    const asked: string[][] = [];
    let running = 0;
    const { runs, areas } = await runAreas(tasks, async (own) => {
      assert.equal(++running, 1, "areas must not run beside each other");
      asked.push(own.map(({ file }) => file));
      await new Promise((resolve) => setTimeout(resolve, 20));
      running--;
      return own.map(({ file }) => ran(file, 1));
    });
    assert.deepEqual(asked, [["tests/a/y_test.ts", "tests/a/y_test.ts"], [files[0], files[2]], [files[3]]]);
    assert.deepEqual(runs.map(({ file }) => file), asked.flat());
    assert.deepEqual(areas.map(({ area, files, runs }) => ({ area, files, runs })), [
      { area: "a", files: 1, runs: 2 },
      { area: "b", files: 2, runs: 2 },
      { area: "b/c", files: 1, runs: 1 },
    ]);
    for (const { wallMs } of areas) assert.ok(wallMs > 15, `an area of 20 ms took ${wallMs} ms`);
  });
});

describe("areaTable()", () => {
  it("begins with the longest area", () => {
    const table = areaTable([
      { area: "a", files: 2, runs: 6, wallMs: 1_000, cpuS: 12.34 },
      { area: "stores/b", files: 1, runs: 1, wallMs: 23_456, cpuS: undefined },
    ]);
    assert.deepEqual(table, [
      "area          files       runs    seconds  processor",
      "stores/b          1          1       23.5          -",
      "a                 2          6        1.0       12.3",
    ]);
  });
});

describe("npm test -- --areas", () => {
  it("runs each chosen area, and tells what it took", async () => {
    const args = ["dist/scripts/test.js", "--areas", "--bun", "policy", "short_key"];
    const { code, output } = await run(process.execPath, args, { limitMs: 60_000 });
    assert.equal(code, 0, output);
    assert.match(output, /^2 runs of a file, in base, policy, \d+ at a time$/m);
    const number = process.platform === "linux" ? String.raw`\d+\.\d` : "-";
    for (const area of ["base", "policy"]) {
      assert.match(output, new RegExp(String.raw`^${area} +1 +1 +\d+\.\d +${number}$`, "m"));
    }
  });
});

describe("telling()", () => {
  it("writes down what a command and its children take on the processors, and ends with its code", async () => {
    using folder = new TemporaryFolder("times");
    const path = join(folder.path, "times");
    const child = "for (let i = 0; i < 2e8; i++); console.log(process.cpuUsage().user / 1e6); process.exit(7)";
    const parent =
      `const { status, stdout } = require("node:child_process").spawnSync(process.execPath, ["-e", ${
        JSON.stringify(child)
      }], ` +
      `{ encoding: "utf8" }); console.log(stdout.trim()); process.exit(status)`;
    const [program, ...args] = telling([process.execPath, "-e", parent], path);
    const { code, output } = await run(program, args);
    assert.equal(code, 7);
    const tookS = secondsOf(await readFile(path, "utf8")) ?? NaN;
    assert.ok(
      tookS > Number(output) - 0.05 && tookS < Number(output) + 2,
      `${tookS} s, where a child tells of ${output} s`,
    );
  });

  it("is not known of a command that was killed", () => assert.equal(secondsOf(""), undefined));
});

describe("timed()", () => {
  it("counts what programs took that this process ran meanwhile, on Linux", async () => {
    const busy =
      "for (let i = 0; i < 1e8; i++); const { user, system } = process.cpuUsage(); console.log(user + system)";
    const { result: { status, stdout }, times: { wallMs, cpuS } } = await timed(() =>
      Promise.resolve(spawnSync(process.execPath, ["-e", busy], { encoding: "utf8" }))
    );
    assert.equal(status, 0);
    if (process.platform !== "linux") return assert.deepEqual([cpuS, cpuSeconds()], [undefined, undefined]);
    const tookS = cpuS as number;
    const toldS = Number(stdout) / 1e6;
    // It ends after it has told, and the clock of a processor ticks every 10 ms.
    assert.ok(tookS > toldS - 0.05 && tookS < toldS + 1, `${tookS} s, where the program tells of ${toldS} s`);
    assert.ok(wallMs > 0);
  });
});
