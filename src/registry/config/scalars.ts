/**
 * Numbers, booleans and durations, from TOML values and from environment variables.
 *
 * @module
 */

import { parseDuration, secondsToMs } from "../../base/duration.ts";
import { FromEnvironment } from "./document.ts";

/** A plain decimal: no exponent, no sign but `-`, no leading zero, no spaces. */
const DECIMAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

/**
 * Takes the string out of a value that came from the environment.
 *
 * @param value A value of the expanded document.
 * @returns The value as TOML could have written it.
 */
export function plain(value: unknown): unknown {
  return value instanceof FromEnvironment ? value.text : value;
}

/**
 * Reads a number. Text counts only if it came from the environment, and only as a plain decimal.
 *
 * @param value A value of the expanded document.
 * @returns The number; `undefined` if it is none.
 */
export function readNumber(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  return value instanceof FromEnvironment && DECIMAL.test(value.text) ? Number(value.text) : undefined;
}

/**
 * Reads a boolean. Text counts only if it came from the environment, and only as `true` or `false`.
 *
 * @param value A value of the expanded document.
 * @returns The boolean; `undefined` if it is none.
 */
export function readBoolean(value: unknown): boolean | undefined {
  if (typeof value === "boolean") return value;
  if (!(value instanceof FromEnvironment)) return undefined;
  return value.text === "true" ? true : value.text === "false" ? false : undefined;
}

/**
 * Reads a duration: a number of seconds, a text with a unit, or `inf`.
 *
 * @param value A value of the expanded document.
 * @returns Milliseconds, rounded to the nearest 0.001, or `Infinity`; `undefined` if it is no duration.
 */
export function readDurationMs(value: unknown): number | undefined {
  const seconds = readNumber(value);
  const text = plain(value);
  if (seconds === Infinity || text === "inf") return Infinity;
  try {
    if (seconds !== undefined) return secondsToMs(seconds);
    return typeof text === "string" ? parseDuration(text) : undefined;
  } catch {
    return undefined;
  }
}
