/**
 * What a format of logs is: a way to read lines.
 *
 * @module
 */

import type { Field } from "../fields.ts";

/** What a reader writes a line into; one object for all lines. */
export interface LineValues {
  /** When the request was logged, in microseconds since the Unix epoch. */
  timeUs: number;
  /** The values of the wanted fields, in their order; undefined where a line has none. */
  readonly values: (string | undefined)[];
}

/** Reads the lines of one file. */
export interface LineReader {
  /** How many lines at the beginning of a file are no requests. */
  readonly headerLines: number;
  /** The fields that its lines can have, for messages. */
  readonly fields: string;
  /** Whether its lines can have a field. */
  has(field: Field): boolean;
  /**
   * Reads a line.
   *
   * @param line The line, without its end.
   * @param into Takes the values.
   * @returns What is wrong with the line, in a few words; undefined if it was read.
   */
  read(line: string, into: LineValues): string | undefined;
}

/** What a reader is made for. */
export interface ReaderOptions {
  /** The fields whose values are wanted. `path` and `query:` are taken from the target of the request, as it was sent. */
  readonly wanted: readonly Field[];
  /** The field that holds the time, for formats whose fields have names; else the usual names are tried. */
  readonly timeField?: string | undefined;
}

/** One format, as a row of `formats/mod.ts`. */
export interface LogFormat {
  /** Its name in options. */
  readonly name: string;
  /** What it is, for messages. */
  readonly title: string;
  /**
   * Makes a reader for a file.
   *
   * @param head The first lines of the file.
   * @param options What is wanted of each line.
   * @returns The reader; a text that says why these lines are not of this format.
   */
  reader(head: readonly string[], options: ReaderOptions): LineReader | string;
}
