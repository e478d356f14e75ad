/**
 * The cells of the matrix of toolchains: what is tried, and what cannot be tried on this machine.
 *
 * @module
 */

import { type Outcome, run, type RunOptions } from "../_process.ts";

/** One combination of tools. */
export interface Cell {
  /** Which one, for people: `Node 22, require, Jest`. */
  readonly name: string;
  /** Tries it. Resolves to the output of what failed, or to `undefined`. */
  try(): Promise<string | undefined>;
}

/** One combination that this machine does not have. */
export interface MissingCell {
  /** Which one. */
  readonly name: string;
  /** Why it is not tried. */
  readonly missing: string;
}

/** How many cells are tried at the same time. */
const AT_ONCE = 2;

/** How long one program may take, in milliseconds. */
const LIMIT_MS = 600_000;

/** Tries all cells. Resolves to what is wrong, one entry for each cell that failed. */
export async function tryCells(cells: readonly Cell[]): Promise<string[]> {
  const problems: string[] = [];
  const queue = [...cells];
  const next = async (): Promise<void> => {
    for (let cell = queue.shift(); cell !== undefined; cell = queue.shift()) {
      const problem = await cell.try().catch((error) => String(error?.stack ?? error));
      if (problem !== undefined) problems.push(`${cell.name}\n${problem.trimEnd().replace(/^/gm, "  ")}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  return problems;
}

/** A cell that is one program, which must end with code 0. */
export function programCell(name: string, command: readonly string[], options: RunOptions): Cell {
  return { name, try: async () => failureOf(await runCommand(command, options)) };
}

/** Runs a program and its arguments, with a limit of time. */
export function runCommand([program = "", ...args]: readonly string[], options: RunOptions): Promise<Outcome> {
  return run(program, args, { limitMs: LIMIT_MS, ...options });
}

/** What a program wrote, if it failed. */
export function failureOf({ code, output }: Outcome): string | undefined {
  return code === 0 ? undefined : `exit code ${code}\n${output}`;
}
