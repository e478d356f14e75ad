#!/usr/bin/env node
/**
 * The program `ratesync`, which sees and operates the limits of a rate-sync.toml: `ratesync help`. Importing this module
 * runs it; with Deno, `deno run -A jsr:@ratesync/core/cli help` does.
 *
 * @module
 */

import process from "node:process";

import { EXIT } from "./exit.ts";
import { Stopped } from "./failure.ts";
import { main } from "./main.ts";

const stop = new AbortController();

function stopWith(exit: number): void {
  // The second time, the program ends at once.
  if (stop.signal.aborted) process.exit(exit);
  stop.abort(new Stopped(exit));
}

process.on("SIGINT", () => stopWith(EXIT.stopped));
process.on("SIGTERM", () => stopWith(EXIT.ended));
// A reader that ends early, such as `head`, is no failure.
process.stdout.on("error", (error: { readonly code?: string; readonly message: string }) => {
  if (error.code === "EPIPE") process.exit(EXIT.done);
  process.stderr.write(`error: Cannot write to standard output: ${error.message}\n`);
  process.exit(EXIT.output);
});
process.stderr.on("error", () => {});

const { stdin, stdout, stderr, env } = process;
void main(process.argv.slice(2), { stdin, stdout, stderr, env, signal: stop.signal }).then((exit) => {
  // What a store still waits for does not matter to a program that was stopped.
  if (stop.signal.aborted) process.exit(exit);
  process.exitCode = exit;
});
