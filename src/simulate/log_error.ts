/**
 * The error of a log that cannot be replayed as a whole.
 *
 * @module
 */

import { nameError } from "../base/errors.ts";
import { show } from "../base/text.ts";

/**
 * Why a log is refused.
 *
 * - `unreadable`: The file cannot be opened or read.
 * - `empty`: There is no line in it.
 * - `binary`: It is no text.
 * - `compressed`: It is compressed in a way that is not read.
 * - `truncated`: It ends in the middle of compressed data, or of a line.
 * - `unsorted`: A line is older than one before it by more than the window.
 * - `unrecognised`: No format reads its first lines.
 * - `unparsed`: Not one line can be read.
 * - `no_field`: The format does not have a field that was asked for.
 * - `no_request`: Lines were read, but none of them is checked by any limiter.
 */
export type LogProblem =
  | "unreadable"
  | "empty"
  | "binary"
  | "compressed"
  | "truncated"
  | "unsorted"
  | "unrecognised"
  | "unparsed"
  | "no_field"
  | "no_request";

/** Where a log is wrong. */
export interface LogErrorOptions extends ErrorOptions {
  /** The file; undefined where it is about all of them. */
  readonly file?: string | undefined;
  /** The line, from 1, where one line shows it. */
  readonly line?: number | undefined;
}

/** A log that cannot be replayed. There is no report of the part that could be read. */
export class LogError extends Error {
  static {
    nameError(this, "LogError");
  }

  /** Which kind of error it is, as a literal that programs can compare. */
  readonly code = "LOG_REFUSED" as const;
  /** What is wrong with the log. */
  readonly reason: LogProblem;
  /** The file; undefined where it is about all of them. */
  readonly file: string | undefined;
  /** The line, from 1, where one line shows it. */
  readonly line: number | undefined;

  /**
   * @param reason What is wrong with the log.
   * @param what The same in words, and what to do.
   * @param options Where it is.
   */
  constructor(reason: LogProblem, what: string, options: LogErrorOptions = {}) {
    const { file, line, ...rest } = options;
    const place = file === undefined ? "the logs" : `${show(file)}${line === undefined ? "" : `, line ${line}`}`;
    super(`Cannot replay ${place}: ${what}`, rest);
    this.reason = reason;
    this.file = file;
    this.line = line;
  }
}
