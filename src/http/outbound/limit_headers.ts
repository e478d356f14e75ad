/**
 * Rows that users add to the table of header families, checked.
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { nearest } from "../../base/nearest.ts";
import { listWords, show } from "../../base/text.ts";
import { rejectUnknownOptions } from "../../base/unknown_options.ts";
import { HEADER_FAMILIES, type HeaderFamily, type ResetUnit } from "./families.ts";

/** The headers of one quota of a service. */
export interface LimitHeaders {
  /** The header with the units that are left. Without it, `reset` counts on refusals only. */
  readonly remaining?: string;
  /** The header that says when the quota is whole again. */
  readonly reset: string;
  /**
   * How `reset` is written. Seconds, instants, dates and durations are recognised by their form; milliseconds are not.
   * @default recognised by its form
   */
  readonly unit?: ResetUnit;
}

const KNOWN: readonly (keyof LimitHeaders)[] = ["remaining", "reset", "unit"];

const UNITS: readonly ResetUnit[] = [
  "seconds",
  "milliseconds",
  "epoch_seconds",
  "epoch_milliseconds",
  "date",
  "duration",
];

/** Words of other libraries for our units. */
const OTHER_UNITS: Readonly<Record<string, ResetUnit>> = {
  s: "seconds",
  sec: "seconds",
  ms: "milliseconds",
  millis: "milliseconds",
  epoch: "epoch_seconds",
  unix: "epoch_seconds",
  timestamp: "epoch_seconds",
  epoch_ms: "epoch_milliseconds",
  iso: "date",
  iso8601: "date",
  rfc3339: "date",
};

/** A name of a header, as RFC 9110 has it. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;

/**
 * Puts rows in front of the table. They take the place of rows of the table with the same headers.
 *
 * @param rows What the user gave.
 * @throws {ConfigError} If a row cannot be used.
 */
export function readFamilies(rows: unknown): readonly HeaderFamily[] {
  if (rows === undefined) return HEADER_FAMILIES;
  if (!Array.isArray(rows)) throw wrong("limitHeaders", "an array of { remaining, reset, unit }", rows);
  const own = rows.map(readRow);
  const taken = new Set(own.flatMap(headersOf));
  return [...own, ...HEADER_FAMILIES.filter((family) => !headersOf(family).some((name) => taken.has(name)))];
}

function readRow(row: unknown, index: number): HeaderFamily {
  const path = `limitHeaders[${index}]`;
  if (typeof row !== "object" || row === null || Array.isArray(row)) {
    throw wrong(path, "an object { remaining, reset, unit }", row);
  }
  rejectUnknownOptions(row, KNOWN, `${path}.`);
  const { remaining, reset, unit } = row as Partial<Record<keyof LimitHeaders, unknown>>;
  if (unit !== undefined && !UNITS.includes(unit as ResetUnit)) {
    const guess = typeof unit === "string" ? OTHER_UNITS[unit.toLowerCase()] ?? nearest(unit, UNITS) : undefined;
    const meant = guess === undefined ? "" : `; did you mean ${show(guess)}?`;
    throw wrong(`${path}.unit`, `${listWords(UNITS)}${meant}`, unit);
  }
  const family = { resets: [headerName(reset, `${path}.reset`)], unit: unit as ResetUnit | undefined };
  return remaining === undefined ? family : { ...family, remaining: headerName(remaining, `${path}.remaining`) };
}

function headerName(value: unknown, path: string): string {
  if (typeof value === "string" && HEADER_NAME.test(value)) return value.toLowerCase();
  throw wrong(path, "the name of a header", value);
}

function headersOf({ remaining, resets = [] }: HeaderFamily): string[] {
  return remaining === undefined ? [...resets] : [remaining, ...resets];
}

function wrong(path: string, expected: string, received: unknown): ConfigError {
  return new ConfigError({ path, expected, received: show(received) });
}
