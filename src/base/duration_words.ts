/**
 * Durations in words, for people.
 *
 * @module
 */

const SECOND_US = 1e6;
const MINUTE_US = 60 * SECOND_US;
const HOUR_US = 60 * MINUTE_US;
const DAY_US = 24 * HOUR_US;

/** Units, longest first. */
const UNITS: readonly (readonly [us: number, name: string])[] = [
  [DAY_US, "d"],
  [HOUR_US, "h"],
  [MINUTE_US, "min"],
  [SECOND_US, "s"],
];

/** Up to what a duration is rounded to what, in microseconds. Below a second it keeps three digits. */
const ROUNDED: readonly (readonly [belowUs: number, toUs: number])[] = [
  [MINUTE_US, SECOND_US / 10],
  [HOUR_US, SECOND_US],
  [DAY_US, MINUTE_US],
  [Infinity, HOUR_US],
];

/**
 * How long, as people say it: `12.4 s`, `4 min 11 s`, `2 h`. Rounded up, so that it is over after that time.
 *
 * @param ms Milliseconds, 0 or more.
 */
export function durationWords(ms: number): string {
  const us = Math.ceil(ms * 1_000);
  if (us < SECOND_US) {
    const step = 10 ** Math.max(Math.ceil(Math.log10(us + 1)) - 3, 0);
    const rounded = Math.ceil(us / step) * step;
    if (rounded < SECOND_US) return `${rounded / 1_000} ms`;
  }
  for (const [belowUs, toUs] of ROUNDED) {
    const rounded = Math.ceil(us / toUs) * toUs;
    if (rounded < belowUs) return inUnits(rounded);
  }
  return "ever";
}

/** As many of a unit as there are, and what is left in the next one. */
function inUnits(us: number): string {
  const place = Math.max(UNITS.findIndex(([unitUs]) => us >= unitUs), 0);
  const [unitUs, name] = UNITS[place] as readonly [number, string];
  if (unitUs === SECOND_US) return `${us / SECOND_US} ${name}`;
  const [nextUs, nextName] = UNITS[place + 1] as readonly [number, string];
  const rest = Math.round(us % unitUs / nextUs);
  return `${Math.floor(us / unitUs)} ${name}${rest === 0 ? "" : ` ${rest} ${nextName}`}`;
}

/** A length that must not be rounded: in the longest unit in which it is a whole number, else in milliseconds. */
export function exactDuration(us: number): string {
  const [unitUs, name] = UNITS.find(([each]) => us % each === 0) ?? [1_000, "ms"];
  return `${us / unitUs} ${name}`;
}
