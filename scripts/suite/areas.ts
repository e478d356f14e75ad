/**
 * Where the time of a run went: by area, which is a folder of tests, and in which files.
 *
 * @module
 */

import { readFileSync } from "node:fs";

import type { FileRun } from "./run.ts";

/** How many of the slowest files are named. */
const SLOWEST = 10;

/** Linux counts processor time in hundredths of a second. */
const TICKS_PER_SECOND = 100;

/** A line on each area, the slowest first, and on the slowest files. None where only one file has run. */
export function areaLines(runs: readonly FileRun[]): string[] {
  if (runs.length < 2) return [];
  const timed = [...new Set(runs.map(areaOf))].map((area) => {
    const own = runs.filter((run) => areaOf(run) === area);
    return { area, own, ms: own.reduce((sum, { durationMs }) => sum + durationMs, 0) };
  }).toSorted((a, b) => b.ms - a.ms);
  const slowest = runs.toSorted((a, b) => b.durationMs - a.durationMs).slice(0, SLOWEST);
  return [
    ...timed.map(({ area, own, ms }) => `${seconds(ms)} added up, ${own.length} runs of a file: ${area}`),
    ...slowest.map(({ file, runtime, durationMs }) => `${seconds(durationMs)} in one file: ${runtime.title}, ${file}`),
  ];
}

/** How much processor time everything that this process has run and that has ended took; undefined but on Linux. */
export function cpuSeconds(): number | undefined {
  try {
    const stat = readFileSync("/proc/self/stat", "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [user, system] = fields.slice(13, 15).map(Number) as [number, number]; // of children
    return (user + system) / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}

function areaOf({ file }: FileRun): string {
  return file.slice(0, file.lastIndexOf("/"));
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`.padStart(8);
}
