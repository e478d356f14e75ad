/**
 * The numbers of a limit, checked.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";

/** Durations stay below 35 years, so that an instant plus a duration is exact in a double. */
export const MAX_DURATION_US: number = 2 ** 50;

/** The longest wait: 31 years. A longer one never ends anyway. */
export const FOREVER_US: number = 1e15;

/** Nothing is charged for a later time than this, in the year 2184: what follows from it stays exact in a double. */
export const LATEST_US: number = 2 ** 53 - 2 * MAX_DURATION_US;

/** Products of units and steps stay exact in a double. */
export const MAX_PRODUCT: number = 2 ** 52;

/**
 * A duration in milliseconds, as whole microseconds.
 *
 * @param value What was written.
 * @param path Where.
 * @param needed Whether a limit stands beside it.
 * @throws {ConfigError} If it is no duration, or out of range.
 */
export function microseconds(value: unknown, path: string, needed: boolean): number {
  const us = typeof value === "number" ? Math.round(value * 1_000) : NaN;
  if (us >= 1 && us <= MAX_DURATION_US) return us;
  throw new ConfigError({
    path,
    expected: "milliseconds above 0 (at least 0.001), at most 35 years",
    received: value === undefined && needed ? "nothing, beside a limit" : show(value),
  });
}

/**
 * A whole number from 1 to `max`.
 *
 * @param value What was written.
 * @param path Where.
 * @param max The largest that is allowed.
 * @param needed Whether a window stands beside it.
 * @throws {ConfigError} If it is none.
 */
export function whole(value: unknown, path: string, max: number, needed: boolean): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new ConfigError({
    path,
    expected: `a whole number from 1 to ${max}`,
    received: value === undefined && needed ? "nothing, beside a window" : show(value),
  });
}
