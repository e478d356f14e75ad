/**
 * What the arguments of `npm run bench` select.
 *
 * @module
 */

import { tool } from "../_process.ts";

const RUNTIMES = ["node", "deno", "bun"] as const;

/** Where benches can run. */
export type RuntimeName = typeof RUNTIMES[number];

/** The benches to run. */
export interface BenchSelection {
  /** On which runtime. */
  readonly runtime: RuntimeName;
  /** Their names, in this order. */
  readonly names: readonly string[];
  /** Whether tiny counts will do. */
  readonly quick: boolean;
}

/**
 * Reads the arguments: a flag for the runtime, `--quick`, and words: a bench's name, or a part of several.
 *
 * @throws {Error} If a flag is unknown, there are two runtimes, or a word is in no name.
 */
export function selectBenches(args: readonly string[], benches: readonly string[]): BenchSelection {
  const words = args.filter((arg) => !arg.startsWith("--"));
  const flags = args.filter((arg) => arg.startsWith("--") && arg !== "--quick").map((flag) => flag.slice(2));
  const runtime = RUNTIMES.find((name) => name === (flags[0] ?? "node"));
  if (runtime === undefined || flags.length > 1) {
    throw new Error(`Cannot run the benches: expected one of --node, --deno, --bun, received --${flags.join(" --")}`);
  }
  const meant = words.map((word) => benches.includes(word) ? [word] : benches.filter((name) => name.includes(word)));
  const lost = meant.findIndex((names) => names.length === 0);
  if (lost >= 0) throw new Error(`Cannot run the benches: ${words[lost]} is in none of ${benches.join(", ")}`);
  const names = benches.filter((name) => words.length === 0 || meant.flat().includes(name));
  return { runtime, names, quick: args.includes("--quick") };
}

/** The command that runs one bench, before its arguments. */
export function benchCommand(runtime: RuntimeName): [program: string, ...args: string[]] {
  switch (runtime) {
    case "node":
      return [tool("node"), "dist/bench/run.js"];
    case "deno":
      return [tool("deno"), "run", "--allow-all", "--no-check", "bench/run.ts"];
    case "bun":
      return [tool("bun"), "bench/run.ts"];
  }
}
