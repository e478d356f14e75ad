/**
 * Tables of text.
 *
 * @module
 */

import { type Paint, plain } from "./paint.ts";
import { cutTo, padTo, widthOf } from "./text.ts";

/** A column of a table. */
export interface Column {
  /** What stands above it. */
  readonly title: string;
  /** Where its text stands: numbers on the right. @default {"left"} */
  readonly side?: "left" | "right";
}

/** How a table is shown. */
export interface TableOptions {
  /** The most columns of a line; the widest column is cut to fit. @default {Infinity} */
  readonly columns?: number;
  /** Colours the titles. @default no colours */
  readonly paint?: Paint;
}

/** Between two columns. */
const GAP = "  ";

/** The least width of a column that is cut. */
const LEAST_WIDTH = 8;

/**
 * Puts rows under titles.
 *
 * @param columns The columns.
 * @param rows The cells of each row, which may be coloured. They hold no line breaks.
 * @param options How to show it.
 * @returns Lines, without a line break at the end and without spaces at the ends of lines.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const { columns: most = Infinity, paint = plain } = options;
  const widths = columns.map(({ title }, i) => Math.max(widthOf(title), ...rows.map((row) => widthOf(row[i] ?? ""))));
  let over = widths.reduce((sum, width) => sum + width, 0) + GAP.length * (columns.length - 1) - most;
  while (over > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    const width = widths[widest] as number;
    if (width <= LEAST_WIDTH) break;
    const next = Math.max(width - over, LEAST_WIDTH, ...widths.filter((other) => other < width));
    over -= width - next;
    widths[widest] = next;
  }
  const line = (cells: readonly string[]) =>
    columns.map(({ side }, i) => {
      const width = widths[i] as number;
      return padTo(cutTo(cells[i] ?? "", width), width, side);
    }).join(GAP).trimEnd();
  const titles = columns.map(({ title, side }, i) => padTo(title, widths[i] as number, side)).join(GAP).trimEnd();
  return [paint("bold", titles), ...rows.map(line)].join("\n");
}
