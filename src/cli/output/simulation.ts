/**
 * The report of a replay, for a terminal.
 *
 * @module
 */

import { durationWords } from "../../base/duration_words.ts";
import type { LimiterReport, Report, ReportCounts } from "../../simulate/report/report.ts";
import { countOf, countText, limitsText, shareText, summaryText, timeText } from "../../simulate/report/words.ts";
import type { Paint } from "./paint.ts";
import { type Column, table } from "./table.ts";
import { printable } from "./text.ts";

/** How a report is shown. */
export interface SimulationTextOptions {
  /** Colours text. */
  readonly paint: Paint;
  /** The most characters of a line. */
  readonly columns: number;
}

/** The most hours that are shown: those with the most denials. */
const MOST_HOURS = 24;

/**
 * Writes a report.
 *
 * @param report The report.
 * @param excess What is more than the user allows.
 * @param options How it is shown.
 */
export function simulationText(report: Report, excess: readonly string[], options: SimulationTextOptions): string {
  const { paint } = options;
  const { limiters, warnings, samples, unparsed, lines, filtered } = report;
  const parts = [
    summaryText(report),
    counted(
      [{ title: "LIMITER" }, { title: "LIMITS" }],
      limiters,
      (one) => [printable(one.limiter), changedLimits(one)],
      report,
      options,
    ),
    ...limiters.flatMap((limiter) => limiterText(limiter, options)),
    filtered === 0
      ? ""
      : `${countText(filtered)} of ${countText(lines)} lines are left out by their path, method or status.`,
    unparsed === 0
      ? ""
      : `${countText(unparsed)} of ${countText(lines)} lines could not be read. The first of them:\n${
        samples.map(({ file, line, problem, text }) => `  ${printable(file)}:${line}: ${problem}: ${printable(text)}`)
          .join("\n")
      }`,
    warnings.map((warning) => `${paint("yellow", "warning:")} ${printable(warning)}`).join("\n"),
    excess.map((one) => `${paint("red", "FAILED:")} ${one}`).join("\n"),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function changedLimits({ limits, oldLimits, change }: LimiterReport): string {
  const now = limitsText(limits);
  return oldLimits === undefined || change === "same" ? now : `${limitsText(oldLimits)} -> ${now}`;
}

function limiterText(limiter: LimiterReport, options: SimulationTextOptions): string[] {
  const { topKeys, topPaths, hours, keysDenied, keys, keyedBy, denied, longestMs } = limiter;
  if (topKeys.length === 0) return [];
  const name = options.paint("bold", printable(limiter.limiter));
  const denials = denied === 0
    ? "denies nothing"
    : `denies ${countText(keysDenied)} of ${countOf(keys, "key")}, the longest for ${
      durationWords(longestMs)
    } without a break`;
  const worst = hours.filter((hour) => hour.denied > 0 || (hour.newlyAllowed ?? 0) > 0)
    .toSorted((a, b) => b.denied - a.denied).slice(0, MOST_HOURS).toSorted((a, b) => a.hour < b.hour ? -1 : 1);
  const most = Math.max(...worst.map((hour) => hour.denied));
  return [
    `${name}, by ${keyedBy}, ${denials}`,
    counted(
      [{ title: "KEY" }, { title: "FIRST DENIED" }, { title: "LAST DENIED" }, { title: "LONGEST", side: "right" }],
      topKeys,
      (one) => [
        printable(one.key),
        timeText(one.firstDenied),
        timeText(one.lastDenied),
        one.longestMs === 0 ? "" : durationWords(one.longestMs),
      ],
      limiter,
      options,
    ),
    topPaths.length === 0
      ? ""
      : counted([{ title: "PATH" }], topPaths, ({ path }) => [printable(path)], limiter, options),
    worst.length === 0 ? "" : counted(
      [{ title: "HOUR (UTC)" }, { title: "" }],
      worst,
      (one) => [timeText(one.hour).slice(0, 16), bar(one.denied / most)],
      limiter,
      options,
    ),
  ];
}

/** A table whose rows are counts: their columns stand at the end. */
function counted<Row extends ReportCounts>(
  columns: readonly Column[],
  rows: readonly Row[],
  cells: (row: Row) => readonly string[],
  { newlyDenied }: ReportCounts,
  options: SimulationTextOptions,
): string {
  const titles = ["REQUESTS", "DENIED", "SHARE", ...newlyDenied === undefined ? [] : ["NEWLY DENIED", "NEWLY ALLOWED"]];
  const numbers = titles.map((title): Column => ({ title, side: "right" }));
  return table(
    [...columns, ...numbers],
    rows.map((row) => {
      const changed = newlyDenied === undefined
        ? []
        : [countText(row.newlyDenied ?? 0), countText(row.newlyAllowed ?? 0)];
      return [
        ...cells(row),
        countText(row.requests),
        countText(row.denied),
        shareText(row.denied, row.requests),
        ...changed,
      ];
    }),
    options,
  );
}

const EIGHTHS = "▏▎▍▌▋▊▉█";
const BAR_WIDTH = 16;

/** A bar for a share of the longest one. */
function bar(share: number): string {
  const eighths = Math.max(Math.round(share * BAR_WIDTH * 8), share > 0 ? 1 : 0);
  const rest = eighths % 8;
  return "█".repeat(Math.floor(eighths / 8)) + (rest === 0 ? "" : EIGHTHS[rest - 1]);
}
