/**
 * Options as data, one row each: how files write an option, and which values it takes. Code, files and their messages
 * all go by the same rows, so that a new option is a member of its interface and a row.
 *
 * @module
 */

import { ConfigError } from "./errors.ts";
import { show } from "./text.ts";
import { unknownWord } from "./unknown_options.ts";

/** What a value given in code must be: in words, and as a test. */
export type Check = readonly [expected: string, holds: (value: unknown) => boolean];

/** One option. */
export interface OptionRow {
  /**
   * How files write it: `file` names a file whose text is the value, `tables` is an array of tables with rows of their
   * own, a list of words allows these. Absent where only code can give it.
   */
  readonly type?: "text" | "texts" | "file" | "boolean" | "number" | "duration" | "tables" | readonly string[];
  /** Its names in files, the usual one first. Left out, one follows from the name in code: see `fileKeys`. */
  readonly keys?: readonly string[];
  /** Whether no message may show its value. */
  readonly secret?: true;
  /** Of a text: whether the empty one is refused. */
  readonly nonEmpty?: true;
  /** Of a text: whether the empty one counts as not given. */
  readonly emptyIsNone?: true;
  /** Of a number: whether it is whole, below 2^53. */
  readonly whole?: true;
  /** Of a number: the least allowed. Where it is left out, files take any number, and `check` refuses. */
  readonly min?: number;
  /** Of a duration: whether 0 is refused. */
  readonly positive?: true;
  /** Of a duration: whether `inf` is allowed. */
  readonly infinite?: true;
  /** Checks a value given in code. Words and booleans need none. */
  readonly check?: Check;
}

/** The options of one kind of object, by their names in code. */
export type OptionTable = Readonly<Record<string, OptionRow>>;

/** A clock. */
export const CLOCK: Check = ["a clock, with nowUs() and schedule()", (value) => {
  const { nowUs, schedule } = Object(value) as Readonly<Record<string, unknown>>;
  return typeof nowUs === "function" && typeof schedule === "function";
}];

const BOOLEAN: Check = ["true or false", (value) => typeof value === "boolean"];

/**
 * Checks each option by its row. Options that are undefined are not given.
 *
 * @param options What was given in code.
 * @param table The rows.
 * @param prefix Where the options stand, with a dot at the end; empty for the outermost ones.
 * @throws {ConfigError} If a value does not fit its row: the first one, in the order of the rows.
 */
export function checkOptions(options: object, table: OptionTable, prefix = ""): void {
  for (const [name, { type, check = type === "boolean" ? BOOLEAN : undefined }] of Object.entries(table)) {
    const value = (options as Readonly<Record<string, unknown>>)[name];
    if (value === undefined) continue;
    if (Array.isArray(type) && !type.includes(value)) throw unknownWord(prefix + name, type, value);
    if (check?.[1](value) === false) {
      throw new ConfigError({ path: prefix + name, expected: check[0], received: show(value) });
    }
  }
}

/**
 * A check for whole numbers.
 *
 * @param min The least.
 * @param max The greatest.
 * @param expected What messages say. @default `a whole number from min to max`
 */
export function wholeNumber(min: number, max: number, expected = `a whole number from ${min} to ${max}`): Check {
  const [, isInside] = numberFrom(expected, min, max);
  return [expected, (value) => Number.isInteger(value) && isInside(value)];
}

/**
 * A check for numbers.
 *
 * @param expected What messages say.
 * @param min The least.
 * @param max The greatest.
 */
export function numberFrom(expected: string, min: number, max: number): Check {
  return [expected, (value) => typeof value === "number" && value >= min && value <= max];
}
