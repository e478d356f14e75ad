/**
 * One process of the soak of PostgreSQL. Its argument is a load, as JSON.
 *
 * @module
 */

import process from "node:process";

import { type Load, runLoad } from "./load.ts";

const [json] = process.argv.slice(2);

// A call that waits for a lost session to be replaced does not keep a process.
const timer = setInterval(() => {}, 1_000);
console.log(JSON.stringify(await runLoad(JSON.parse(json as string) as Load)));
clearInterval(timer);
