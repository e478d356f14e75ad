/**
 * Where the time of a run went: by area, in which files, and how much of it on the processors.
 *
 * @module
 */

import { readFileSync } from "node:fs";

import { areaOf, areasOf } from "./areas.ts";
import type { FileRun } from "./run.ts";
import type { Task } from "./selection.ts";

/** How many of the slowest files are named. */
const SLOWEST = 10;

/** Linux counts processor time in hundredths of a second. */
const TICKS_PER_SECOND = 100;

/** How long some files took together. */
export interface Times {
  /** From the beginning of the first to the end of the last, in milliseconds. */
  readonly wallMs: number;
  /** On the processors, with the servers that they used, in seconds; undefined but on Linux. */
  readonly cpuS: number | undefined;
}

/** What one area took. */
export interface AreaTimes extends Times {
  /** Its name. */
  readonly area: string;
  /** How many files it has. */
  readonly files: number;
  /** How often one of them ran. */
  readonly runs: number;
}

/** Does something, and tells how long it took. */
export async function timed<Result>(
  act: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly times: Times }> {
  const [startMs, startS] = [performance.now(), cpuSeconds()];
  const result = await act();
  const [endMs, endS] = [performance.now(), cpuSeconds()];
  const cpuS = startS === undefined || endS === undefined ? undefined : endS - startS;
  return { result, times: { wallMs: endMs - startMs, cpuS } };
}

/**
 * Runs the files of each area by themselves, one area after the other.
 *
 * @param runFiles Runs some files beside each other, and ends the servers that it has started.
 */
export async function runAreas(
  tasks: readonly Task[],
  runFiles: (tasks: readonly Task[]) => Promise<FileRun[]>,
): Promise<{ readonly runs: FileRun[]; readonly areas: AreaTimes[] }> {
  const runs: FileRun[] = [];
  const areas: AreaTimes[] = [];
  for (const area of areasOf(tasks.map(({ file }) => file))) {
    const own = tasks.filter(({ file }) => areaOf(file) === area);
    const { result, times } = await timed(() => runFiles(own));
    runs.push(...result);
    areas.push({ area, files: new Set(own.map(({ file }) => file)).size, runs: own.length, ...times });
  }
  return { runs, areas };
}

/** A table of what each area took, the longest first. */
export function areaTable(areas: readonly AreaTimes[]): string[] {
  const width = Math.max(...areas.map(({ area }) => area.length), "area".length);
  const row = (area: string, ...numbers: string[]) =>
    [area.padEnd(width), ...numbers.map((number) => number.padStart(9))].join("  ");
  return [
    row("area", "files", "runs", "seconds", "processor"),
    ...areas.toSorted((a, b) => b.wallMs - a.wallMs).map(({ area, files, runs, wallMs, cpuS }) =>
      row(area, String(files), String(runs), (wallMs / 1_000).toFixed(1), cpuS?.toFixed(1) ?? "-")
    ),
  ];
}

/** A line on each area, the slowest first, and on the slowest files. None where only one file has run. */
export function areaLines(runs: readonly FileRun[]): string[] {
  if (runs.length < 2) return [];
  const added = areasOf(runs.map(({ file }) => file)).map((area) => {
    const own = runs.filter(({ file }) => areaOf(file) === area);
    return { area, own, ms: own.reduce((sum, { durationMs }) => sum + durationMs, 0), cpu: cpuOf(own) };
  }).toSorted((a, b) => b.ms - a.ms);
  const slowest = runs.toSorted((a, b) => b.durationMs - a.durationMs).slice(0, SLOWEST);
  return [
    ...added.map(({ area, own, ms, cpu }) => `${seconds(ms)} added up${cpu}, ${own.length} runs of a file: ${area}`),
    ...slowest.map(({ file, runtime, durationMs }) => `${seconds(durationMs)} in one file: ${runtime.title}, ${file}`),
  ];
}

/** What files took on the processors, as a part of a line; nothing if it is not known of each of them. */
export function cpuOf(runs: readonly FileRun[]): string {
  const sum = runs.reduce((total, { cpuS = NaN }) => total + cpuS, 0);
  return Number.isNaN(sum) ? "" : `, ${sum.toFixed(1)} s of processor time`;
}

/** What everything took, by the clock and on the processors; an area that ran by itself is named. */
export function totalLine(runs: readonly FileRun[], { wallMs, cpuS }: Times): string {
  const [area, ...more] = areasOf(runs.map(({ file }) => file));
  const what = area !== undefined && more.length === 0 ? area : "All";
  const cpu = cpuS === undefined ? "" : `, ${cpuS.toFixed(1)} s of processor time`;
  return `${what}: ${(wallMs / 1_000).toFixed(1)} s${cpu}`;
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

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`.padStart(8);
}
