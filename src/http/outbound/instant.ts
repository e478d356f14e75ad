/**
 * How servers write when a window ends: a number of seconds, an instant since the epoch, a date, a duration.
 *
 * @module
 */

import type { ResetUnit } from "./families.ts";

/** From here on a number is an instant in seconds since the epoch, of the year 2001 or later: no window is so long. */
const EPOCH_SECONDS = 1e9;
/** From here on it is in milliseconds. */
const EPOCH_MS = 1e11;
/** From here on it is nothing that is known. */
const TOO_LARGE = 1e14;

const NUMBER = /^\d{1,15}(?:\.\d{1,9})?$/;
const PARTS = /^(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?$/;
const ISO = /^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)[Tt]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:?\d\d)$/;

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const RFC_DATES = [
  // RFC 9110 and its old form with hyphens; e-mail libraries write the zone as a number, and days with one digit
  /^(?:[a-z]{3,9}, ?)?(?<day>\d{1,2})[ -](?<month>[a-z]{3})[ -](?<year>\d{4}|\d\d) (?<time>\d\d:\d\d:\d\d) (?<zone>GMT|UTC?|Z|[+-]\d{4})$/i,
  // asctime of C
  /^[a-z]{3} (?<month>[a-z]{3}) (?<day>[ \d]?\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/i,
];

/**
 * Reads how long it is until something happens.
 *
 * @param text The value of a header.
 * @param serverNowMs The server's present, in milliseconds since the epoch, for what is written as an instant.
 * @param unit How it is written. Recognised by its form where that is not said.
 * @returns Milliseconds, 0 for an instant that is over; undefined for what cannot be understood.
 */
export function readWait(text: string, serverNowMs: number, unit?: ResetUnit): number | undefined {
  const written = text.trim();
  if (NUMBER.test(written)) return readNumber(Number(written), serverNowMs, unit);
  if (unit === undefined || unit === "duration") {
    const durationMs = readDuration(written);
    if (durationMs !== undefined || unit !== undefined) return durationMs;
  }
  if (unit !== undefined && unit !== "date") return undefined;
  const atMs = readIsoDate(written) ?? readHttpDate(written);
  return atMs === undefined ? undefined : Math.max(atMs - serverNowMs, 0);
}

/** Whether a wait is written more finely than in whole seconds, and not as an instant. */
export function isFine(text: string, unit?: ResetUnit): boolean {
  if (unit !== undefined) return unit === "milliseconds" || (unit === "duration" && /ms|\./.test(text));
  return /^[\d.hms ]+$/.test(text) && /ms|\./.test(text) && !(Number(text) >= EPOCH_SECONDS);
}

/**
 * Reads a date of RFC 9110, in its present form, one of the two old ones, or as e-mail writes it. In milliseconds since
 * the epoch.
 */
export function readHttpDate(text: string): number | undefined {
  for (const form of RFC_DATES) {
    const { day, month = "", year = "", time = "", zone = "GMT" } = form.exec(text)?.groups ?? {};
    if (day === undefined) continue;
    const [hours, minutes, seconds] = time.split(":").map(Number) as [number, number, number];
    // A year of two digits is never one that is long over.
    const fullYear = year.length === 2 ? 2_000 + Number(year) : Number(year);
    const monthIndex = MONTHS.indexOf(month.toLowerCase());
    if (!isDay(fullYear, monthIndex, Number(day)) || hours > 23 || minutes > 59 || seconds > 60) return undefined;
    const east = /^[+-]/.test(zone) ? Number(zone.slice(0, 3)) * 60 + Number(`${zone[0]}${zone.slice(3)}`) : 0;
    return Date.UTC(fullYear, monthIndex, Number(day), hours, minutes - east, seconds);
  }
  return undefined;
}

function readNumber(number: number, serverNowMs: number, unit: ResetUnit | undefined): number | undefined {
  switch (unit) {
    case "seconds":
      return number * 1_000;
    case "milliseconds":
      return number;
    case "epoch_seconds":
      return Math.max(number * 1_000 - serverNowMs, 0);
    case "epoch_milliseconds":
      return Math.max(number - serverNowMs, 0);
    case undefined:
      if (number < EPOCH_SECONDS) return number * 1_000;
      if (number >= TOO_LARGE) return undefined;
      return Math.max((number < EPOCH_MS ? number * 1_000 : number) - serverNowMs, 0);
    default:
      return undefined;
  }
}

function readIsoDate(text: string): number | undefined {
  const { year, month, day } = ISO.exec(text)?.groups ?? {};
  if (!isDay(Number(year), Number(month) - 1, Number(day))) return undefined;
  const atMs = Date.parse(text.toUpperCase());
  return Number.isNaN(atMs) ? undefined : atMs;
}

/** Whether there is such a day: there is no 31 February, which JavaScript takes for one in March. */
function isDay(year: number, monthIndex: number, day: number): boolean {
  return monthIndex >= 0 && monthIndex <= 11 && day >= 1 &&
    day <= new Date(Date.UTC(year, monthIndex + 1, 0)).getUTCDate();
}

/** `6m0s`, `1.5s`, `120ms`. */
function readDuration(text: string): number | undefined {
  const [, hours, minutes, seconds, ms] = PARTS.exec(text) ?? [];
  if (hours === undefined && minutes === undefined && seconds === undefined && ms === undefined) return undefined;
  return Number(hours ?? 0) * 3_600_000 + Number(minutes ?? 0) * 60_000 + Number(seconds ?? 0) * 1_000 +
    Number(ms ?? 0);
}
