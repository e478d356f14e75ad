/**
 * What Linux tells of a process and those that it has started.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";

/**
 * Adds up a figure over a process and its children.
 *
 * @param pid The process.
 * @param read Reads the figure of one process; `file` reads a file of its folder in `/proc`.
 * @returns The sum; NaN where this system does not tell it.
 */
export function sumOfProcesses(pid: number, read: (file: (name: string) => string) => number): number {
  if (process.platform !== "linux") return NaN;
  let sum = 0;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const file = (part: string) => readFileSync(`/proc/${name}/${part}`, "utf8");
    try {
      const [, parent] = file("stat").split(") ")[1]?.split(" ") ?? [];
      if (Number(parent) === pid || Number(name) === pid) sum += read(file);
    } catch {
      // It has ended meanwhile.
    }
  }
  return sum;
}
