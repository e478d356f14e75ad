/**
 * What the three windows have in common: their options, and what their levels say.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import type { Standing } from "./algorithm.ts";
import type { Level } from "./kernel.ts";
import type { RateAlgorithm } from "./limit.ts";
import { microseconds, whole } from "./numbers.ts";
import type { LimitOptions } from "./options.ts";
import { type Fraction, partOf } from "./rational.ts";

/** A limit of so many units in a window. */
export interface Window {
  /** Which window it is. */
  readonly algorithm: string;
  /** Units in a window. */
  readonly capacity: number;
  /** The window's length in microseconds. */
  readonly windowUs: number;
}

/** The most units in one window that keeps no entry for each. */
export const MAX_COUNT: number = 2 ** 31;

/**
 * Checks `limit` and `windowMs`.
 *
 * @param algorithm Which window it is.
 * @param options The limit as written.
 * @param prefix What error messages put in front of option names.
 * @param max The most units that it may have.
 * @throws {ConfigError} If anything is missing, contradictory or out of range.
 */
export function compileWindow<Name extends RateAlgorithm>(
  algorithm: Name,
  options: LimitOptions,
  prefix: string,
  max: number = MAX_COUNT,
): { readonly algorithm: Name; readonly capacity: number; readonly windowUs: number } {
  for (const key of ["ratePerSecond", "burst"] as const) {
    if (options[key] === undefined) continue;
    throw new ConfigError({
      path: `${prefix}${key}`,
      expected: `limit and windowMs only, with algorithm ${show(algorithm)}`,
      received: show(options[key]),
    });
  }
  const windowUs = microseconds(options.windowMs, `${prefix}windowMs`, options.limit !== undefined);
  const capacity = whole(options.limit, `${prefix}limit`, max, true);
  return Object.freeze({ algorithm, capacity, windowUs });
}

/** A part of the units, in the same window. */
export function shareWindow<Any extends Window>(limit: Any, share: Fraction): Any {
  return Object.freeze({ ...limit, capacity: partOf(limit.capacity, share) });
}

/** Where a window stands: its level tells the units in use, and when none is. */
export function windowStanding({ capacity, windowUs }: Window, [used, resetUs]: Level): Standing {
  return { remaining: Math.max(capacity - used, 0), windowMs: windowUs / 1_000, resetAfterMs: resetUs / 1_000 };
}

/** When a full window has a unit again is not told by its level, but not later than this. */
export function windowNextUnitMs(_limit: number, { resetAfterMs }: Omit<Standing, "remaining">): number {
  return resetAfterMs;
}

/** The level of a window some microseconds later: its units leave it at the end at the latest. */
export function ageWindow([used, resetUs]: Level, ageUs: number): Level {
  return resetUs <= ageUs ? [0, 0] : [used, resetUs - ageUs];
}
