/**
 * The plots of the guides, and whether the files are what the code draws today.
 *
 * @module
 */

import { readFile } from "node:fs/promises";

import { plotAdmitted } from "./admitted.ts";
import { plotWaiting } from "./waiting.ts";

/** Every plot, by the path of its file. */
export async function drawPlots(): Promise<Record<string, string>> {
  return {
    "docs/images/admitted.svg": plotAdmitted(),
    "docs/images/waiting.svg": await plotWaiting(),
  };
}

/** The files that are not what the code draws, one line each. */
export async function plotProblems(): Promise<string[]> {
  const problems: string[] = [];
  for (const [path, svg] of Object.entries(await drawPlots())) {
    const written = await readFile(path, "utf8").catch(() => undefined);
    if (written !== svg) problems.push(`${path} is not what the code draws: run scripts/plot_limits.ts`);
  }
  return problems;
}
