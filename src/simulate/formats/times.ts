/**
 * Times as logs write them, in microseconds since the Unix epoch; NaN of what is no time.
 *
 * @module
 */

const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";

/** The minute that was read last, as it was written, and when it began: lines of a log share it. */
let lastClf = "";
let lastClfUs = NaN;
let lastDay = "";
let lastDayUs = NaN;

/**
 * Reads `10/Oct/2000:13:55:36 -0700`, the time of Apache and nginx.
 *
 * @param text The text in which the time is.
 * @param at Where it begins.
 */
export function readClfTime(text: string, at: number): number {
  if (text.charCodeAt(at + 26) !== 93) return NaN; // the closing bracket
  if (lastClf === "" || !text.startsWith(lastClf, at)) {
    lastClf = text.slice(at, at + 26);
    lastClfUs = clfUs(lastClf);
  }
  return lastClfUs;
}

const CLF = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/;

function clfUs(text: string): number {
  const [, day, monthName = "", year, hour, minute, second, sign, zoneHours, zoneMinutes] = CLF.exec(text) ?? [];
  const month = MONTHS.indexOf(monthName) / 3;
  if (sign === undefined || !Number.isInteger(month) || month < 0) return NaN;
  const zone = (sign === "-" ? -1 : 1) * (Number(zoneHours) * 60 + Number(zoneMinutes));
  const dayUs = utcDayUs(Number(year), month + 1, Number(day));
  return dayUs + inDayUs(Number(hour), Number(minute), Number(second)) - zone * 60e6;
}

/** Reads `2026-07-02T22:23:00.186641Z`, with a space in place of the `T`, and with other zones; UTC where there is none. */
export function readIsoTime(text: string): number {
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return NaN;
  if (!text.startsWith(lastDay) || lastDay === "") {
    lastDay = text.slice(0, 10);
    lastDayUs = utcDayUs(digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2));
  }
  const separator = text.charCodeAt(10);
  if (separator !== 84 && separator !== 32 && separator !== 116) return NaN;
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return NaN;
  let us = lastDayUs + inDayUs(digits(text, 11, 2), digits(text, 14, 2), digits(text, 17, 2));
  let at = 19;
  const dot = text.charCodeAt(at);
  if (dot === 46 || dot === 44) {
    let unitUs = 1e5;
    let digit = text.charCodeAt(++at) - 48;
    if (!(digit >= 0 && digit <= 9)) return NaN;
    for (; digit >= 0 && digit <= 9; digit = text.charCodeAt(++at) - 48) {
      if (unitUs >= 1) us += digit * unitUs;
      unitUs = unitUs > 1 ? unitUs / 10 : 0;
    }
  }
  return us - zoneUs(text, at);
}

const ZONE = /^ ?([+-])(\d\d):?(\d\d)?$/;

function zoneUs(text: string, at: number): number {
  if (at === text.length) return 0;
  const letter = text.charCodeAt(at);
  if (at === text.length - 1 && (letter === 90 || letter === 122)) return 0;
  const [, sign, hours, minutes = "0"] = ZONE.exec(text.slice(at)) ?? [];
  return sign === undefined ? NaN : (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60e6;
}

/** Reads a time of any of these forms, or seconds, milliseconds, microseconds or nanoseconds since the Unix epoch. */
export function readTime(value: unknown): number {
  if (typeof value === "number") return epochUs(value);
  if (typeof value !== "string" || value === "") return NaN;
  const iso = readIsoTime(value);
  if (!Number.isNaN(iso)) return iso;
  if (/^\d+(\.\d+)?$/.test(value)) return epochUs(Number(value));
  return clfUs(value);
}

/** The size of the number says its unit: each covers the years from 1973 to 5138. */
function epochUs(number: number): number {
  if (!(number > 0)) return NaN;
  if (number < 1e11) return Math.round(number * 1e6);
  if (number < 1e14) return Math.round(number * 1e3);
  if (number < 1e17) return Math.round(number);
  return number < 1e20 ? Math.round(number / 1e3) : NaN;
}

function digits(text: string, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** When a day begins; NaN if the month has no such day. */
function utcDayUs(year: number, month: number, day: number): number {
  if (!(year >= 1970 && month >= 1 && month <= 12 && day >= 1)) return NaN;
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCDate() === day ? date.getTime() * 1_000 : NaN;
}

/** The time of a day; a leap second is the first of the next minute. */
function inDayUs(hour: number, minute: number, second: number): number {
  return hour < 24 && minute < 60 && second < 61 ? (hour * 3_600 + minute * 60 + second) * 1e6 : NaN;
}
