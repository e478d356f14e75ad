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
 * Finds the format that reads most of some lines.
 *
 * @param head The first lines of a file, none of them empty.
 * @param timeField The field that holds the time, where its name is given.
 * @returns The format; undefined if none reads any line.
 */
export function recognise(head: readonly string[], timeField: string | undefined): LogFormat | undefined {
  let best: LogFormat | undefined;
  let most = 0;
  for (const format of FORMATS) {
    const reader = format.reader(head, { wanted: [], timeField });
    if (typeof reader === "string") continue;
    const into = { timeUs: 0, values: [] };
    const read = head.slice(reader.headerLines).filter((line) => reader.read(line, into) === undefined).length;
    const count = read + reader.headerLines;
    if (count > most) {
      best = format;
      most = count;
    }
  }
  return best;
}
