/**
 * Replays access logs against limiters: which requests would have been denied.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { numberFrom } from "../base/option_table.ts";
import { show } from "../base/text.ts";
import { unknownWord } from "../base/unknown_options.ts";
import { FORMAT_NAMES } from "./formats/mod.ts";
import type { Entry } from "./input/entry.ts";
import { LogReader } from "./input/log_reader.ts";
import { mergeLogs } from "./input/merge.ts";
import type { LogSource } from "./input/source.ts";
import { LogError } from "./log_error.ts";
import { Plan, type PlanOptions } from "./replay/plan.ts";
import { Replay } from "./replay/replay.ts";
import { Spread } from "./replay/spread.ts";
import { chooseRules, type Limiters } from "./replay/rules.ts";
import { buildReport } from "./report/build.ts";
import type { Report } from "./report/report.ts";
import type { Series } from "./tally/series.ts";

export type { Limiters } from "./replay/rules.ts";

/** How far back a line may lie by default: programs that buffer their logs write them that late. */
const DEFAULT_WINDOW_MS = 5_000;

/** How many keys and paths a report names by default. */
const DEFAULT_TOP = 20;

/** What is replayed, and how. */
export interface SimulateOptions extends PlanOptions {
  /** The logs. Several are one, in the order of their times. */
  readonly sources: readonly LogSource[];
  /** The limiters by id. */
  readonly limiters: Limiters;
  /** The limiters to compare with. @default nothing is compared */
  readonly against?: Limiters | undefined;
  /** The ids of limiters to replay, each on its own. @default all */
  readonly only?: readonly string[] | undefined;
  /** The format of all logs: `combined`, `common`, `json`, `alb` or `csv`. @default recognised by their first lines */
  readonly format?: string | undefined;
  /** The field with the time, in JSON and CSV. @default the usual names */
  readonly timeField?: string | undefined;
  /**
   * How far back a line may lie behind the newest one of its log, in milliseconds, from 0; Infinity sorts all of it in memory.
   * @default {5_000}
   */
  readonly windowMs?: number | undefined;
  /**
   * Whether requests of one second are spread evenly over it: for logs with whole seconds, in which they would be one
   * burst. @default {false}
   */
  readonly spread?: boolean | undefined;
  /** How many keys and paths of each limiter the report names, a whole number from 0. @default {20} */
  readonly top?: number | undefined;
  /** Called now and then with the stored bytes that were read, and the requests that were replayed so far. */
  readonly onProgress?: ((bytes: number, requests: number) => void) | undefined;
}

/** What a replay has found, and the counts of each limiter for a plot, in the order of the report. */
export interface Simulation {
  /** The report. */
  readonly report: Report;
  /** For each limiter, counts in at most 400 parts of the time. */
  readonly plots: readonly Series[];
}

/**
 * Replays logs.
 *
 * @param options What is replayed, and how.
 * @throws {LogError} If a log cannot be replayed as a whole, or no request is checked.
 * @throws {ConfigError | NotFoundError} If an option cannot be used.
 */
export async function simulate(options: SimulateOptions): Promise<Simulation> {
  const { sources, limiters, against, only = [], format, timeField, onProgress } = options;
  const { windowMs = DEFAULT_WINDOW_MS, top = DEFAULT_TOP } = options;
  if (format !== undefined && !FORMAT_NAMES.includes(format)) throw unknownWord("format", FORMAT_NAMES, format);
  check("window", windowMs, numberFrom("milliseconds from 0, or Infinity", 0, Infinity));
  check("top", top, ["a whole number from 0", (value) => Number.isSafeInteger(value) && Number(value) >= 0]);
  if (sources.length === 0) throw new ConfigError({ path: "logs", expected: "at least one log", received: "none" });

  const { rules, warnings } = chooseRules(limiters, against, only);
  const plan = new Plan(rules.map(({ limiter }) => limiter), options);
  const replay = new Replay(plan, rules);
  let bytes = 0;
  const told = (count: number) => onProgress?.(bytes += count, replay.total.requests);
  const intake = {
    wanted: plan.wanted,
    needed: plan.needed,
    entryOf: plan.entryOf.bind(plan),
    format,
    timeField,
    windowUs: windowMs * 1_000,
  };
  const readers = sources.map((source) => new LogReader({ ...source, bytes: counted(source.bytes, told) }, intake));
  try {
    const spread = options.spread ? new Spread((entry, timeUs) => replay.take(entry, timeUs)) : undefined;
    await mergeLogs(readers, (entry: Entry) => spread === undefined ? replay.take(entry) : spread.push(entry));
    spread?.end();
  } finally {
    await Promise.all(readers.map((reader) => reader.close()));
  }
  if (replay.total.requests === 0) {
    const { withoutKey } = replay;
    const { filtered } = plan;
    const keys = plan.sources.map(({ text }) => text).join(", ");
    const why = withoutKey > 0 ? `${withoutKey} lines have no key (${keys})` : "";
    const not = filtered > 0 ? `no path, method or status of ${filtered} lines is wanted` : "";
    throw new LogError("no_request", `no limiter checks any request: ${[why, not].filter(Boolean).join(", and ")}`);
  }
  const report = buildReport({ plan, rules, replay, readers, warnings, top });
  return { report, plots: replay.tallies.map(({ plot }) => plot) };
}

function check(path: string, value: unknown, [expected, holds]: readonly [string, (value: unknown) => boolean]): void {
  if (!holds(value)) throw new ConfigError({ path, expected, received: show(value) });
}

async function* counted(bytes: AsyncIterable<Uint8Array>, told: (count: number) => void): AsyncIterable<Uint8Array> {
  for await (const chunk of bytes) {
    told(chunk.length);
    yield chunk;
  }
}
