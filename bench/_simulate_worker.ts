/**
 * Replays a log in a process of its own, and prints the processor time and the memory that it took.
 *
 * @module
 */

import { writeSync } from "node:fs";
import process from "node:process";

import { fileSource } from "../src/simulate/input/source.ts";
import { simulate } from "../src/simulate/simulate.ts";
import { LIMITERS } from "./_access_log.ts";

const [file = "", ...only] = process.argv.slice(2);
const before = process.cpuUsage();
const { report } = await simulate({ sources: [await fileSource(file)], limiters: LIMITERS, only });
const { user, system } = process.cpuUsage(before);
const { requests, denied, lines } = report;
const maxBytes = process.resourceUsage().maxRSS * 1_024;
writeSync(1, `${JSON.stringify({ requests, denied, lines, cpuMs: (user + system) / 1_000, maxBytes })}\n`);
