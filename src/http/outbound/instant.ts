/**
 * How servers write when a window ends: a number of seconds, an instant since the epoch, a date, a duration.
 *
 * @module
 */

/** From here on a number is an instant in seconds since the epoch, of the year 2001 or later: no window is so long. */
const EPOCH_SECONDS = 1e9;
/** From here on it is in milliseconds. */
const EPOCH_MS = 1e11;
/** From here on it is nothing that is known. */
const TOO_LARGE = 1e14;

const NUMBER = /^\d{1,15}(?:\.\d{1,9})?$/;
const PARTS = /^(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?$/;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)$/;

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const RFC_DATES = [
  /^[a-z]{3}, (?<day>\d\d) (?<month>[a-z]{3}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) GMT$/i,
  /^[a-z]{6,9}, (?<day>\d\d)-(?<month>[a-z]{3})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) GMT$/i,
  /^[a-z]{3} (?<month>[a-z]{3}) (?<day>[ \d]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/i,
];

/**
 * Reads how long it is until something happens, in any way that servers write it.
 *
 * @param text The value of a header.
 * @param serverNowMs The server's present, in milliseconds since the epoch, for what is written as an instant.
 * @returns Milliseconds, 0 for an instant that is over; undefined for what cannot be understood.
 */
export function readWait(text: string, serverNowMs: number): number | undefined {
  const written = text.trim();
  if (NUMBER.test(written)) {
    const number = Number(written);
    if (number < EPOCH_SECONDS) return number * 1_000;
    if (number >= TOO_LARGE) return undefined;
    return Math.max((number < EPOCH_MS ? number * 1_000 : number) - serverNowMs, 0);
  }
  const durationMs = readParts(written);
  if (durationMs !== undefined) return durationMs;
  const atMs = ISO.test(written) ? Date.parse(written) : readHttpDate(written);
  return atMs === undefined || Number.isNaN(atMs) ? undefined : Math.max(atMs - serverNowMs, 0);
}

/** Reads a date of RFC 9110, in its present form or one of the two old ones. In milliseconds since the epoch. */
export function readHttpDate(text: string): number | undefined {
  for (const form of RFC_DATES) {
    const { day, month, year, time } = form.exec(text)?.groups ?? {};
    if (day === undefined || month === undefined || year === undefined || time === undefined) continue;
    const monthIndex = MONTHS.indexOf(month.toLowerCase());
    const [hours, minutes, seconds] = time.split(":").map(Number) as [number, number, number];
    if (monthIndex < 0 || hours > 23 || minutes > 59 || seconds > 60) return undefined;
    // Of a year of two digits nobody means one that is long over.
    const fullYear = year.length === 2 ? 2_000 + Number(year) : Number(year);
    return Date.UTC(fullYear, monthIndex, Number(day), hours, minutes, seconds);
  }
  return undefined;
}

/** `6m0s`, `1.5s`, `120ms`. */
function readParts(text: string): number | undefined {
  const [, hours, minutes, seconds, ms] = PARTS.exec(text) ?? [];
  if (hours === undefined && minutes === undefined && seconds === undefined && ms === undefined) return undefined;
  return Number(hours ?? 0) * 3_600_000 + Number(minutes ?? 0) * 60_000 + Number(seconds ?? 0) * 1_000 +
    Number(ms ?? 0);
}
