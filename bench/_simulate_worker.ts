/**
 * Replays a log in a process of its own, and prints what it found, and the processor time and the memory that it took. Its
 * arguments: the file, or `-` for standard input, and the limiters; all without any.
 *
 * @module
 */

import process from "node:process";

import { fileSource } from "../src/simulate/input/source.ts";
import { simulate } from "../src/simulate/simulate.ts";
import { LIMITERS } from "./_access_log.ts";

/** Denials by name. */
type Denied = readonly (readonly [name: string, denied: number])[];

/** What it prints. */
export interface Replayed {
  readonly requests: number;
  readonly denied: number;
  readonly lines: number;
  readonly unparsed: number;
  readonly keys: number;
  /** For each limiter, where it has denied. */
  readonly limiters: readonly {
    readonly name: string;
    readonly byKey: Denied;
    readonly byHour: Denied;
    readonly byPath: Denied;
  }[];
  /** Processor time with that of the garbage collector, in milliseconds. */
  readonly cpuMs: number;
  /** The most memory that was resident. */
  readonly maxBytes: number;
}

const [file = "", ...only] = process.argv.slice(2);
const source = file === "-" ? { name: file, bytes: process.stdin } : await fileSource(file);
const before = process.cpuUsage();
const { report } = await simulate({ sources: [source], limiters: LIMITERS, only, top: 1_000_000 });
const { user, system } = process.cpuUsage(before);
const { requests, denied, lines, unparsed, keys } = report;
const limiters = report.limiters.map(({ limiter, topKeys, topPaths, hours }) => ({
  name: limiter,
  byKey: deniedBy(topKeys, ({ key }) => key),
  byHour: deniedBy(hours, ({ hour }) => hour),
  byPath: deniedBy(topPaths, ({ path }) => path),
}));
const maxBytes = process.resourceUsage().maxRSS * 1_024;
const replayed: Replayed = {
  requests,
  denied,
  lines,
  unparsed,
  keys,
  limiters,
  cpuMs: (user + system) / 1_000,
  maxBytes,
};
process.stdout.write(`${JSON.stringify(replayed)}\n`);

function deniedBy<Row extends { readonly denied: number }>(rows: readonly Row[], name: (row: Row) => string): Denied {
  return rows.filter((row) => row.denied > 0).map((row) => [name(row), row.denied]);
}
