/**
 * Comma-separated values (RFC 4180) with the names of the columns in the first line. Tabs and semicolons separate too.
 * A field does not go beyond its line.
 *
 * @module
 */

import type { Field } from "../fields.ts";
import type { LineReader, LineValues, LogFormat, ReaderOptions } from "./format.ts";
import { namesOf, TIME_NAMES, valueOfNamed } from "./names.ts";
import { readTime } from "./times.ts";

const SEPARATORS: readonly string[] = [",", "\t", ";"];

/** The format. */
export const csv: LogFormat = {
  name: "csv",
  title: "CSV with a header",
  reader: ([header = ""], options) => {
    const separator = SEPARATORS.toSorted((a, b) => header.split(b).length - header.split(a).length)[0] as string;
    const columns = (cells(header.replace(/^\uFEFF/, ""), separator) ?? []).map((name) => name.trim());
    if (columns.length < 2) return "no header with columns";
    const names = options.timeField === undefined ? TIME_NAMES : [options.timeField];
    const time = placeOf(names, columns);
    if (time === -1) return `no column for the time among ${columns.slice(0, 20).join(", ")}`;
    return new CsvReader(options, columns, separator, time);
  },
};

class CsvReader implements LineReader {
  readonly headerLines = 1;
  readonly #separator: string;
  readonly #columns: readonly string[];
  readonly #time: number;
  readonly #wanted: readonly Field[];
  readonly #places: readonly number[];

  constructor({ wanted }: ReaderOptions, columns: readonly string[], separator: string, time: number) {
    this.#separator = separator;
    this.#columns = columns;
    this.#time = time;
    this.#wanted = wanted;
    this.#places = wanted.map((field) => placeOf(namesOf(field), columns));
  }

  get fields(): string {
    return this.#columns.map((name) => `field:${name}`).join(", ");
  }

  has(field: Field): boolean {
    return placeOf(namesOf(field), this.#columns) !== -1;
  }

  read(line: string, into: LineValues): string | undefined {
    const parts = cells(line, this.#separator);
    if (parts === undefined) return "a quote that is not closed";
    if (parts.length !== this.#columns.length) return `${parts.length} fields for ${this.#columns.length} columns`;
    const timeUs = readTime((parts[this.#time] as string).trim());
    if (Number.isNaN(timeUs)) return "a time that cannot be read";
    into.timeUs = timeUs;
    for (let i = 0; i < this.#wanted.length; i++) {
      const place = this.#places[i] as number;
      const text = parts[place];
      into.values[i] = text === undefined
        ? undefined
        : valueOfNamed(this.#wanted[i] as Field, this.#columns[place] as string, text.trim());
    }
    return undefined;
  }
}

/** The first of some names that is a column, whatever its case. */
function placeOf(names: readonly string[], columns: readonly string[]): number {
  for (const name of names) {
    const exact = columns.indexOf(name);
    if (exact !== -1) return exact;
  }
  const lower = columns.map((column) => column.toLowerCase());
  for (const name of names) {
    const place = lower.indexOf(name.toLowerCase());
    if (place !== -1) return place;
  }
  return -1;
}

/** The fields of a line; undefined if a quote is not closed. */
function cells(line: string, separator: string): string[] | undefined {
  if (!line.includes('"')) return line.split(separator);
  const parts: string[] = [];
  for (let at = 0; at <= line.length;) {
    if (line.charCodeAt(at) === 34) {
      let end = line.indexOf('"', at + 1);
      while (end !== -1 && line.charCodeAt(end + 1) === 34) end = line.indexOf('"', end + 2);
      if (end === -1) return undefined;
      parts.push(line.slice(at + 1, end).replaceAll('""', '"'));
      at = end + 1;
      if (at < line.length && line[at] !== separator) return undefined;
      at++;
      if (at > line.length) break;
    } else {
      const end = line.indexOf(separator, at);
      parts.push(end === -1 ? line.slice(at) : line.slice(at, end));
      if (end === -1) break;
      at = end + 1;
    }
  }
  return parts;
}
