/**
 * One contender on Redis, in a process of its own. Its argument is JSON: which contender, and its options.
 *
 * @module
 */

import process from "node:process";

import { serveRounds } from "./_apart.ts";
import { openSubject, type Subject } from "./_subjects.ts";

const [json] = process.argv.slice(2);

await serveRounds(() => openSubject(JSON.parse(json as string) as Subject));
