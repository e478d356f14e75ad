/**
 * One process of the soak of PostgreSQL. Its argument is a load, as JSON.
 *
 * @module
 */

import process from "node:process";

import { type Load, runLoad } from "./load.ts";

const [json] = process.argv.slice(2);

console.log(JSON.stringify(await runLoad(JSON.parse(json as string) as Load)));
