/**
 * A report as one page of HTML, which needs nothing else: no script, no font and no request.
 *
 * @module
 */

import { durationWords } from "../../base/duration_words.ts";
import type { Simulation } from "../simulate.ts";
import type { Series } from "../tally/series.ts";
import { type Content, Html, html } from "./html.ts";
import { plotOf } from "./plot.ts";
import type { HourReport, LimiterReport, ReportCounts } from "./report.ts";
import { countOf, countText, limitsText, shareText, summaryText, timeText } from "./words.ts";

const STYLE = `
:root { color-scheme: light dark; --back: #fff; --ink: #1f2328; --faint: #59636e; --line: #d1d9e0; --allowed: #7aa7d9; --denied: #c0392b; --newly: #e69500 }
@media (prefers-color-scheme: dark) {
  :root { --back: #0d1117; --ink: #e6edf3; --faint: #9198a1; --line: #3d444d; --allowed: #3f6fa3; --denied: #f26b5e; --newly: #f0b429 }
}
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem; background: var(--back); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
h1, h2, h3 { line-height: 1.25 } h2 { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-size: .875rem; width: 100% }
caption { text-align: left; font-weight: 600; padding: .75rem 0 .25rem }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
th { color: var(--faint); font-weight: 600 } td:first-child { overflow-wrap: anywhere; min-width: 10rem }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
svg { width: 100%; height: auto; margin-top: .5rem } svg text { fill: var(--faint); font: 11px system-ui, sans-serif }
.grid { stroke: var(--line) } .allowed { fill: var(--allowed) } .denied { fill: var(--denied) } .newly { fill: var(--newly) }
.key { display: inline-block; width: .75rem; height: .75rem; margin: 0 .25rem 0 1rem } .key.allowed { background: var(--allowed); margin-left: 0 } .key.denied { background: var(--denied) } .key.newly { background: var(--newly) }
.warning { border-left: .25rem solid var(--denied); padding-left: .75rem } .note { color: var(--faint) }
`;

/** Makes the page. */
export function reportPage({ report, plots }: Simulation): string {
  const { limiters, warnings, files, samples, lines, unparsed } = report;
  const page = html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>Replay of ${files.map(({ file }) => file).join(", ").slice(0, 200)}</title>
        <style>${new Html(STYLE)}</style>
      </head>
      <body>
        <main>
    <h1>Replay of access logs</h1>
    <p>${summaryText(report)}</p>
    ${warnings.map((warning) => html`<p class="warning">${warning}</p>\n`)}
    ${tableOf("Limiters", ["Limiter", "Limits"], report, limiters, (one) => [
      one.limiter,
      one.oldLimits !== undefined && one.change !== "same"
        ? `${limitsText(one.oldLimits)} → ${limitsText(one.limits)}`
        : limitsText(one.limits),
    ])}
    ${limiters.map((one, i) => limiterSection(one, plots[i] as Series))}
    <h2>Logs</h2>
    ${tableText(
      "Files",
      ["File", "Format", "Lines", "Not read", "From (UTC)", "To (UTC)"],
      [2, 3],
      files.map((one) => {
        return [
          one.file,
          one.format,
          countText(one.lines),
          countText(one.unparsed),
          timeText(one.from),
          timeText(one.to),
        ];
      }),
    )}
    ${unparsed === 0
      ? ""
      : html`<p>${countText(unparsed)} of ${countText(lines)} lines could not be read. The first of them:</p>`}
    ${samples.length === 0 ? "" : tableText(
      "Lines that could not be read",
      ["Place", "Problem", "Text"],
      [],
      samples.map((one) => {
        return [`${one.file}:${one.line}`, one.problem, one.text];
      }),
    )}
    <p class="note">All times are UTC. A replay does not know that a client which is denied slows down, or tries again.</p>
        </main>
      </body>
    </html>
  `;
  return page.text.trimStart();
}

function limiterSection(limiter: LimiterReport, plot: Series): Html {
  const { topKeys, topPaths, hours, keysDenied, keys, longestMs, denied } = limiter;
  const isCompared = limiter.change !== undefined;
  const of = (what: string) => `${what} of ${limiter.limiter}`;
  const facts = denied === 0
    ? "It denies nothing."
    : `It denies ${countText(keysDenied)} of ${countOf(keys, "key")}, between ${timeText(limiter.firstDenied)} and ` +
      `${timeText(limiter.lastDenied)}. The longest time for which a key is denied without a break is ` +
      `${durationWords(longestMs)}.`;
  return html`
    <section>
    <h2>${limiter.limiter}</h2>
    <p>${limitsText(limiter.limits)}, by ${limiter.keyedBy}. ${facts}</p>
    ${plotOf(limiter.limiter, plot, isCompared)}
    <p class="note"><span class="key allowed"></span>allowed<span class="key denied"></span>denied${isCompared
      ? html`<span class="key newly"></span>newly denied`
      : ""}</p>
    ${topKeys.length === 0
      ? ""
      : tableOf(of("Keys"), ["Key", "First denied", "Last denied", "Longest"], limiter, topKeys, (one) => [
        one.key,
        timeText(one.firstDenied),
        timeText(one.lastDenied),
        one.longestMs === 0 ? "" : durationWords(one.longestMs),
      ])}
    ${topPaths.length === 0 ? "" : tableOf(of("Paths"), ["Path"], limiter, topPaths, ({ path }) => [path])}
    ${hoursTable(limiter, hours)}
    </section>
  `;
}

function hoursTable(limiter: LimiterReport, hours: readonly HourReport[]): Content {
  const touched = hours.filter(({ denied, newlyAllowed = 0 }) => denied > 0 || newlyAllowed > 0);
  if (touched.length === 0) return "";
  return tableOf(`Hours of ${limiter.limiter}`, ["Hour"], limiter, touched, ({ hour }) => [timeText(hour)]);
}

/** A table whose rows are counts: their columns stand at the end. */
function tableOf<Row extends ReportCounts>(
  caption: string,
  titles: readonly string[],
  { newlyDenied }: ReportCounts,
  rows: readonly Row[],
  cells: (row: Row) => readonly string[],
): Html {
  const isCompared = newlyDenied !== undefined;
  const counts = ["Requests", "Denied", "Share", ...isCompared ? ["Newly denied", "Newly allowed"] : []];
  const numbers = counts.map((_, i) => titles.length + i);
  return tableText(
    caption,
    [...titles, ...counts],
    numbers,
    rows.map((row) => {
      const changed = isCompared ? [countText(row.newlyDenied ?? 0), countText(row.newlyAllowed ?? 0)] : [];
      const share = shareText(row.denied, row.requests);
      return [...cells(row), countText(row.requests), countText(row.denied), share, ...changed];
    }),
  );
}

function tableText(
  caption: string,
  titles: readonly string[],
  numbers: readonly number[],
  rows: readonly (readonly string[])[],
): Html {
  const head = titles.map((title, i) => {
    return numbers.includes(i)
      ? html`<th scope="col" class="number">${title}</th>`
      : html`<th scope="col">${title}</th>`;
  });
  const body = rows.map((cells) => {
    const row = cells.map((cell, i) =>
      numbers.includes(i) ? html`<td class="number">${cell}</td>` : html`<td>${cell}</td>`
    );
    return html`<tr>${row}</tr>\n`;
  });
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="${caption}">
      <table>
        <caption>${caption}</caption>
        <thead>
          <tr>${head}</tr>
        </thead>
        <tbody>${body}</tbody>
      </table>
    </div>
  `;
}
