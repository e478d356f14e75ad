/**
 * Opens a contender in a process of its own, and serves it. Its arguments: the module that opens it, and what that needs.
 *
 * @module
 */

import process from "node:process";

import { opens, serveRounds } from "./_apart.ts";

const [program = "", ...args] = process.argv.slice(2);

await serveRounds(async () => (await opens(program)).open(args));
