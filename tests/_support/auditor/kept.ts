/**
 * What was taken from a key and is kept: what every law about admissions is stated on.
 *
 * @module
 */

import type { Mark } from "../../../src/algorithms/kernel.ts";
import type { FixedWindowLimit, RateLimit, SlidingWindowCounterLimit } from "../../../src/algorithms/limit.ts";

/** A take and what is kept of it. */
export interface Kept {
  /** Which take on its key it was, counted from 1. */
  readonly number: number;
  /** The instant it is for; later than the decision for a caller that waits. */
  readonly atUs: number;
  /** Units taken. */
  readonly taken: number;
  /** Units that were not given back. */
  readonly units: number;
  /** Whether the holder has given something back; a holder does so once. */
  readonly settled: boolean;
  /** What the take left behind in each limit. */
  readonly marks: readonly Mark[];
}

/** A limit that counts by windows that are opened, one after the other. */
export type OpenedLimit = FixedWindowLimit | SlidingWindowCounterLimit;

/** Whether a limit counts so. */
export function isOpened(limit: RateLimit): limit is OpenedLimit {
  return limit.algorithm === "fixed_window" || limit.algorithm === "sliding_window_counter";
}

/** When the window opened in which a take was counted by limit `i`: from then on it tells how long the limit is in use. */
export function startOf(limit: OpenedLimit, { marks }: Pick<Kept, "marks">, i: number): number {
  const { nowUs, level } = marks[i] as Mark;
  return nowUs + level[1] - limit.windowUs * (limit.algorithm === "fixed_window" ? 1 : 2);
}

/** Units of takes for the instants from `fromUs` to `toUs`, both counted. */
export function unitsIn(kept: readonly Kept[], fromUs: number, toUs: number): number {
  let sum = 0;
  for (const { atUs, units } of kept) if (atUs >= fromUs && atUs <= toUs) sum += units;
  return sum;
}

/** The estimate of a counter at an instant of a window, times the steps in which a window fades. */
export function estimateAt(
  limit: SlidingWindowCounterLimit,
  kept: readonly Kept[],
  i: number,
  startUs: number,
  atUs: number,
): number {
  const { windowUs, stepUs } = limit;
  const steps = windowUs / stepUs;
  const faded = Math.floor((atUs - startUs) / stepUs);
  let sum = 0;
  for (const each of kept) {
    const window = startOf(limit, each, i);
    if (window === startUs) sum += each.units * steps;
    else if (window === startUs - windowUs) sum += each.units * (steps - faded);
  }
  return exact(sum);
}

/**
 * A whole number, as it is.
 *
 * @throws {RangeError} If it is so large that it may have been rounded: then nothing can be concluded from it.
 */
export function exact(number: number): number {
  if (Number.isSafeInteger(number)) return number;
  throw new RangeError(`Cannot audit: ${number} is no whole number below 2^53`);
}
