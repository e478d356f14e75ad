/**
 * Rows that the tables of options of several engines have in common.
 *
 * @module
 */

import { numberFrom, type OptionRow, wholeNumber } from "../base/option_table.ts";

/** The longest delay that timers of every runtime take, in milliseconds. */
export const MAX_TIMEOUT_MS: number = 2 ** 31 - 1;

/** How many of something, 1 or more. */
export const COUNT_ROW: OptionRow = {
  type: "number",
  whole: true,
  min: 1,
  check: wholeNumber(1, Number.MAX_SAFE_INTEGER, "a whole number, 1 or more"),
};

/** How long something may take, in milliseconds. */
export const TIMEOUT_ROW: OptionRow = {
  type: "duration",
  positive: true,
  check: numberFrom(`milliseconds, above 0 and at most ${MAX_TIMEOUT_MS}`, Number.MIN_VALUE, MAX_TIMEOUT_MS),
};
