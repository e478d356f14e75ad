/**
 * Which test files run on which runtimes, and which of them need the machine for themselves.
 *
 * @module
 */

/** The name of a runtime: its flag, and the value of RATESYNC_TEST_RUNTIME in its tests. */
export type RuntimeName = "bun" | "deno" | "node";

/** What holds for a test file, or for all test files of a folder. */
export interface Row {
  /** The path of a file, or of a folder with `/` at its end. */
  readonly path: string;
  /** The runtimes on which these files run. */
  readonly on: readonly RuntimeName[];
  /** Whether no other file runs at the same time. @default {false} */
  readonly alone?: boolean;
  /** The reason. */
  readonly because: string;
}

const EVERY: readonly RuntimeName[] = ["bun", "deno", "node"];
const NODE: readonly RuntimeName[] = ["node"];

/** The table. Of the rows that match a file, the one with the longest path counts. */
export const TABLE: readonly Row[] = [
  { path: "tests/", on: EVERY, because: "what users run must work on every runtime" },
  { path: "tests/algorithms/", on: NODE, because: "arithmetic on integers, which calls nothing of a runtime" },
  { path: "tests/docs/", on: NODE, because: "reads pages and runs tsc" },
  { path: "tests/faults/", on: NODE, because: "what servers do in a fault; clients are tried by stores/redis/" },
  { path: "tests/policy/", on: NODE, because: "arithmetic on integers, which calls nothing of a runtime" },
  { path: "tests/stores/laws_test.ts", on: NODE, because: "Lua and kernels" },
  { path: "tests/stores/mutants_test.ts", on: NODE, because: "mistakes in Lua, which runs in Redis" },
  { path: "tests/stores/parity_test.ts", on: NODE, because: "Lua and kernels" },
  { path: "tests/stores/redis/memory_usage_test.ts", on: NODE, because: "what keys cost inside Redis" },
  { path: "tests/stores/slot_laws_test.ts", on: NODE, because: "Lua and the memory store" },
];

/**
 * The row of a test file.
 *
 * @throws {Error} If no row matches: the file is not under `tests/`.
 */
export function rowOf(file: string, table: readonly Row[] = TABLE): Row {
  const matching = table.filter(({ path }) => path.endsWith("/") ? file.startsWith(path) : file === path);
  const [row] = matching.toSorted((a, b) => b.path.length - a.path.length);
  if (row === undefined) throw new Error(`Cannot run ${file}: no row of scripts/suite/table.ts matches it`);
  return row;
}
