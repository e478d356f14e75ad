/**
 * Durations as people write them, in milliseconds. The only place where seconds become milliseconds.
 *
 * @module
 */

import { show } from "./text.ts";

/** What a written duration may look like, for messages. */
export const DURATION_FORMS = 'a duration such as "250ms", "5s", "5m", "1.5h" or "1d"';

/** Microseconds in each unit. */
const UNITS: Readonly<Record<string, number>> = {
  ms: 1e3,
  s: 1e6,
  m: 6e7,
  h: 3.6e9,
  d: 8.64e10,
};

const DURATION = /^((?:0|[1-9]\d{0,15})(?:\.\d{1,16})?)(ms|s|m|h|d)$/;

/** What fits into whole microseconds below 2^53: 285 years. */
const RANGE = "0, or 0.001 ms to 104 249 days";

/**
 * Reads a duration: a decimal number and one of the units `ms`, `s`, `m`, `h`, `d`.
 *
 * @param text What was written: `1.5h`.
 * @returns Milliseconds, rounded to the nearest 0.001.
 * @throws {RangeError} If the text is no duration, lies between 0 and 0.001 ms, or is above 285 years.
 */
export function parseDuration(text: string): number {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  const factor = unit === undefined ? undefined : UNITS[unit];
  if (factor === undefined) throw unreadable(DURATION_FORMS, text);
  const durationMs = toMs(Number(amount) * factor);
  if (durationMs === undefined) throw unreadable(`a duration: ${RANGE}`, text);
  return durationMs;
}

/**
 * Turns seconds into milliseconds.
 *
 * @param seconds A finite number, 0 or more.
 * @returns Milliseconds, rounded to the nearest 0.001.
 * @throws {RangeError} If the number is negative, not finite, lies between 0 and 0.000001, or is above 285 years.
 */
export function secondsToMs(seconds: number): number {
  const durationMs = toMs(seconds * 1e6);
  if (durationMs === undefined) throw unreadable(`a number of seconds: ${RANGE}`, seconds);
  return durationMs;
}

function unreadable(expected: string, received: unknown): RangeError {
  return new RangeError(`Cannot read duration: expected ${expected}, received ${show(received)}`);
}

/** Rounds microseconds to whole ones; `undefined` for what no duration can be, or what rounding would turn into 0. */
function toMs(exactUs: number): number | undefined {
  if (!(exactUs >= 0 && exactUs <= Number.MAX_SAFE_INTEGER)) return undefined;
  const us = Math.round(exactUs) + 0; // no -0
  return us === 0 && exactUs > 0 ? undefined : us / 1e3;
}
