/**
 * How each runtime runs the suite: one file after the other, with a JUnit report beside what it prints.
 *
 * @module
 */

import { tool } from "../_process.ts";

/** A runtime the suite must pass on. */
export interface Runtime {
  /** The flag that chooses it, and the value of RATESYNC_TEST_RUNTIME in its tests. */
  readonly name: "bun" | "deno" | "node";
  /** Its name in what is printed. */
  readonly title: string;
  /** The command that runs `files` and writes a JUnit report. */
  command(files: readonly string[], report: string): [program: string, ...args: string[]];
}

/** The runtimes in the order they are told of; Node is last because its summary closes the run. */
export const RUNTIMES: readonly Runtime[] = [
  {
    name: "bun",
    title: "Bun",
    command: (files, report) => [
      tool("bun"),
      "test",
      "--timeout=60000", // the others have no limit; Bun's own is 5 s
      "--reporter=junit",
      `--reporter-outfile=${report}`,
      ...files.map((file) => `./${file}`),
    ],
  },
  {
    name: "deno",
    title: "Deno",
    command: (files, report) => [
      tool("deno"),
      "test",
      "--allow-all",
      "--no-check", // tsc checks the types
      `--junit-path=${report}`,
      ...files,
    ],
  },
  {
    name: "node",
    title: "Node",
    command: (files, report) => [
      tool("node"),
      "--enable-source-maps",
      "--test",
      "--test-concurrency=1",
      "--test-reporter=spec",
      "--test-reporter-destination=stdout",
      "--test-reporter=junit",
      `--test-reporter-destination=${report}`,
      ...files.map((file) => `dist/${file.replace(/\.ts$/, ".js")}`),
    ],
  },
];
