/**
 * Copies of the package with something added, by the steps of CONTRIBUTING.md and no others.
 *
 * @module
 */

import assert from "node:assert/strict";
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";

import { run, tool } from "../../scripts/_process.ts";
import { TemporaryFolder } from "../../scripts/_temporary.ts";

/** Lines that are added to a file, and what stands in front of them. */
export interface Addition {
  readonly file: string;
  readonly behind: string;
  readonly lines: string;
}

/** A copy of the package in a temporary folder. */
export class PackageCopy extends TemporaryFolder {
  readonly #worker: string;

  /**
   * Copies the source, and the folder of a program.
   *
   * @param folder Where the program is: `worker.ts`.
   * @param additions The lines to add.
   */
  constructor(folder: string, additions: readonly Addition[]) {
    super("toy");
    this.#worker = join(folder, "worker");
    for (const path of ["src", "mod.ts", "package.json", "tsconfig.json", folder]) {
      cpSync(path, join(this.path, path), { recursive: true });
    }
    symlinkSync(resolve("node_modules"), join(this.path, "node_modules"));
    for (const { file, behind, lines } of additions) {
      const path = join(this.path, file);
      const text = readFileSync(path, "utf8");
      assert.ok(text.includes(behind), `${file} has no line ${behind}`);
      writeFileSync(path, text.replace(behind, () => behind + lines));
    }
  }

  /** Compiles the copy, types included, and runs the program; returns what it prints. */
  async compileAndRun(): Promise<string> {
    const config = {
      extends: "./tsconfig.json",
      compilerOptions: { noEmit: false, noEmitOnError: true, outDir: "dist", rootDir: "." },
      include: ["mod.ts", "src", `${this.#worker}.ts`],
      exclude: [],
    };
    writeFileSync(join(this.path, "tsconfig.toy.json"), JSON.stringify(config));
    const compiled = await run(tool("tsc"), ["-p", join(this.path, "tsconfig.toy.json")], { cwd: this.path });
    assert.equal(compiled.output, "");
    const worker = join(this.path, "dist", `${this.#worker}.js`);
    return (await run(tool("node"), [worker], { cwd: this.path, env: process.env })).output;
  }
}
