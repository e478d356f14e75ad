/**
 * Requests over time as bars: a picture in SVG, whose colours are those of the page.
 *
 * @module
 */

import type { Bucket, Series } from "../tally/series.ts";
import { type Content, type Html, html } from "./html.ts";
import { countText } from "./words.ts";

const WIDTH = 960;
const HEIGHT = 200;
const LEFT = 64;
const BOTTOM = 28;
const TOP = 8;

/** How many numbers an axis has, at about. */
const TICKS = 4;

/**
 * Draws the requests of a limiter: the denied part of each bar stands below.
 *
 * @param limiter The limiter's id.
 * @param series Its counts.
 * @param isCompared Whether what is newly denied has a part of its own.
 */
export function plotOf(limiter: string, { buckets, widthUs }: Series, isCompared: boolean): Html {
  const first = buckets[0];
  const last = buckets[buckets.length - 1];
  if (first === undefined || last === undefined) return html``;
  const parts = Math.round((last.fromUs - first.fromUs) / widthUs) + 1;
  const most = buckets.reduce((max, { requests }) => Math.max(max, requests), 0);
  const step = niceStep(most / TICKS);
  const top = Math.ceil(most / step) * step;
  const x = (fromUs: number) => LEFT + (WIDTH - LEFT) * ((fromUs - first.fromUs) / widthUs) / parts;
  const y = (count: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - count / top);
  const barWidth = (WIDTH - LEFT) / parts;

  // One path for all bars of a kind: a page with many limiters stays small.
  const bars = (from: (bucket: Bucket) => number, to: (bucket: Bucket) => number) =>
    buckets.filter((bucket) => to(bucket) > from(bucket)).map((bucket) => {
      const height = y(from(bucket)) - y(to(bucket));
      return `M${px(x(bucket.fromUs))} ${px(y(to(bucket)))}h${px(barWidth)}v${px(height)}h-${px(barWidth)}z`;
    }).join("");
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, i): Content => {
    const at = px(y(i * step));
    return html`
      <path class="grid" d="M${LEFT} ${at}H${WIDTH}" />
      <text x="${LEFT - 8}" y="${at}" dy="4" text-anchor="end">${countText(i * step)}</text>
    `;
  });
  const old = (bucket: Bucket) => bucket.denied - bucket.newlyDenied;
  const newly = isCompared
    ? html`
      <path class="newly" d="${bars(old, ({ denied }) => denied)}" />
    `
    : html``;
  const label = `Requests of limiter ${limiter} over time, those that are denied in the lower part of each bar`;
  return html`
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"
      aria-label="${label}">${ticks}<path class="allowed" d="${bars(
        ({ denied }) => denied,
        ({ requests }) => requests,
      )}"/><path class="denied" d="${bars(() => 0, isCompared ? old : ({ denied }) => denied)}"/>${newly}${times(
        first.fromUs,
        widthUs,
        parts,
      )}</svg>
  `;
}

/** When the plot begins, its middle, and when it ends. */
function times(fromUs: number, widthUs: number, parts: number): Content {
  const marks: [share: number, anchor: string][] = [[0, "start"], [0.5, "middle"], [1, "end"]];
  return marks.map(([share, anchor]): Content => {
    const time = new Date((fromUs + widthUs * parts * share) / 1_000).toISOString().slice(0, 19).replace("T", " ");
    const at = px(LEFT + (WIDTH - LEFT) * share);
    return html`<text x="${at}" y="${HEIGHT - 8}" text-anchor="${anchor}">${time}</text>`;
  });
}

/** 1, 2 or 5 times a power of ten, at least 1. */
function niceStep(atLeast: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(atLeast, 1)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= atLeast) ?? 10 * power;
}

function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}
