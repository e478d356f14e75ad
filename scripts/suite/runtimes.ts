/**
 * How each runtime runs a file of tests, with a JUnit report beside what it prints.
 *
 * @module
 */

import { tool } from "../_process.ts";
import type { RuntimeName } from "./table.ts";

/** A runtime the suite must pass on. */
export interface Runtime {
  /** The flag that chooses it, and the value of RATESYNC_TEST_RUNTIME in its tests. */
  readonly name: RuntimeName;
  /** Its name in what is printed. */
  readonly title: string;
  /** The command that runs the test file `file`, a source path, and writes a JUnit report; Node runs `compiled`. */
  command(file: string, report: string, compiled: string): [program: string, ...args: string[]];
}

/** The runtimes in the order of the summary; Node is last because its totals close the run. */
export const RUNTIMES: readonly Runtime[] = [
  {
    name: "bun",
    title: "Bun",
    command: (file, report) => [
      tool("bun"),
      "test",
      "--timeout=60000", // the others have no limit; Bun's own is 5 s
      "--reporter=junit",
      `--reporter-outfile=${report}`,
      `./${file}`,
    ],
  },
  {
    name: "deno",
    title: "Deno",
    command: (file, report) => [
      tool("deno"),
      "test",
      "--allow-all",
      "--no-check", // tsc checks the types
      `--junit-path=${report}`,
      file,
    ],
  },
  {
    name: "node",
    title: "Node",
    // Without --test, which would start a second process for the file.
    command: (_file, report, compiled) => [
      tool("node"),
      "--test-reporter=spec",
      "--test-reporter-destination=stdout",
      "--test-reporter=junit",
      `--test-reporter-destination=${report}`,
      compiled,
    ],
  },
];
