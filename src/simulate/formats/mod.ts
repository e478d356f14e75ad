/**
 * The table of formats, and how the format of a file is recognised.
 *
 * @module
 */

import { alb } from "./alb.ts";
import { combined, common } from "./clf.ts";
import { csv } from "./csv.ts";
import type { LogFormat } from "./format.ts";
import { jsonLines } from "./json_lines.ts";

export type { LineReader, LineValues, LogFormat, ReaderOptions } from "./format.ts";

/** Every format. Where two read the same lines, the first counts. */
export const FORMATS: readonly LogFormat[] = [combined, common, jsonLines, alb, csv];

/** Their names. */
export const FORMAT_NAMES: readonly string[] = FORMATS.map(({ name }) => name);

/**
 * Finds the format of some lines: the first that reads at least half as many as any other. So a combined log with a few
 * broken lines is not a common one, which has less of each line.
 *
 * @param head The first lines of a file, none of them empty.
 * @param timeField The field that holds the time, where its name is given.
 * @returns The format; undefined if none reads any line.
 */
export function recognise(head: readonly string[], timeField: string | undefined): LogFormat | undefined {
  const counts = FORMATS.map((format) => countOfRead(format, head, timeField));
  const most = Math.max(...counts);
  return most === 0 ? undefined : FORMATS[counts.findIndex((count) => count >= most / 2)];
}

/** How many lines a format reads; a header counts as one. */
function countOfRead(format: LogFormat, head: readonly string[], timeField: string | undefined): number {
  const reader = format.reader(head, { wanted: [], timeField });
  if (typeof reader === "string") return 0;
  const into = { timeUs: 0, values: [] };
  const read = head.slice(reader.headerLines).filter((line) => reader.read(line, into) === undefined);
  return reader.headerLines + read.length;
}
