/**
 * A worker for the tests of processes.ts: prints its arguments, then every line it is sent, in capitals.
 * The line `exit <code>` ends it.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";

console.log(process.argv.slice(2).join(" "));
for await (const line of createInterface({ input: process.stdin })) {
  const exit = /^exit (\d+)$/.exec(line);
  if (exit) process.exit(Number(exit[1]));
  console.log(line.toUpperCase());
}
