/**
 * What importing the main entry costs a program at its start, beyond the start of the runtime itself. By itself:
 *
 *     npm run build && node dist/bench/import_cost.js
 *
 * @module
 */

import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

import { run, tool } from "../scripts/_process.ts";
import { TemporaryFolder } from "../scripts/_temporary.ts";
import { loadOf, minifiedBytes } from "../scripts/package/load.ts";

/** One line of the table. */
export interface ImportCost {
  /** The runtime, and what a program of one line imports there. */
  readonly what: string;
  /** From starting the process to its end, in milliseconds: the median. */
  readonly medianMs: number;
  /** How much longer that is than without the import, in milliseconds: the median over pairs of runs. */
  readonly beyondBareMs: number;
  /** How many files of the package are loaded. */
  readonly files: number;
  /** Their size, gzipped as one, in bytes. */
  readonly gzippedBytes: number;
}

/** How to measure. */
export interface ImportCostOptions {
  /** How often each program is run on each runtime. @default {31} */
  readonly runs?: number;
  /** How often before that, to fill caches. @default {2} */
  readonly warmUp?: number;
}

const BARE = "nothing";

/** What is imported; the second is the first before it was bundled. */
const ENTRIES: Readonly<Record<string, string>> = {
  "the main entry": "dist/bundle/mod.js",
  "the main entry, file by file": "dist/mod.js",
};

const RUNTIMES: Readonly<Record<string, readonly string[]>> = {
  Node: [tool("node")],
  Deno: [tool("deno"), "run", "--allow-all", "--no-check"],
  Bun: [tool("bun")],
};

/** Measures what `npm run build` has made, on every runtime: each program in a process of its own, by turns. */
export async function measureImportCost({ runs = 31, warmUp = 2 }: ImportCostOptions = {}): Promise<ImportCost[]> {
  using folder = new TemporaryFolder("import");
  const programs = new Map<string, string>([[BARE, ""]]);
  const loads = new Map([[BARE, { files: 0, gzippedBytes: 0 }]]);
  for (const [entry, path] of Object.entries(ENTRIES)) {
    programs.set(entry, `import ${JSON.stringify(pathToFileURL(resolve(path)).href)};\n`);
    const load = await loadOf(path);
    loads.set(entry, { files: load.files.size, gzippedBytes: await minifiedBytes(load) });
  }
  const files = [...programs.keys()].map((_, i) => join(folder.path, `${i}.mjs`));
  for (const [i, text] of [...programs.values()].entries()) await writeFile(files[i] as string, text);

  const rows: ImportCost[] = [];
  for (const [runtime, command] of Object.entries(RUNTIMES)) {
    const rounds: number[][] = [];
    for (let i = -warmUp; i < runs; i++) {
      const round: number[] = [];
      // There and back: what went before tells on the next.
      const order = i % 2 === 0 ? [...files.keys()] : [...files.keys()].toReversed();
      for (const at of order) round[at] = await timeMs([...command, files[at] as string]);
      if (i >= 0) rounds.push(round);
    }
    for (const [i, [what, load]] of [...loads].entries()) {
      const timesMs = rounds.map((round) => round[i] as number);
      const beyondMs = rounds.map((round) => (round[i] as number) - (round[0] as number));
      rows.push({ what: `${runtime}: ${what}`, medianMs: median(timesMs), beyondBareMs: median(beyondMs), ...load });
    }
  }
  return rows;
}

async function timeMs([program = "", ...args]: readonly string[]): Promise<number> {
  const startMs = performance.now();
  const { code, output } = await run(program, args);
  if (code !== 0) throw new Error(`Cannot measure ${program} ${args.join(" ")}: ${output}`);
  return performance.now() - startMs;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = await measureImportCost();
  console.log("| a program that imports | median ms | beyond nothing | files | gzipped bytes |");
  console.log("| --- | --- | --- | --- | --- |");
  for (const { what, medianMs, beyondBareMs, files, gzippedBytes: bytes } of rows) {
    console.log(`| ${what} | ${medianMs.toFixed(1)} | ${beyondBareMs.toFixed(1)} | ${files} | ${bytes} |`);
  }
}
