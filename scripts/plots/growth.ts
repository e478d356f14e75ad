/**
 * The plots of how costs grow, from the tables of the benches.
 *
 * @module
 */

import type { Row } from "../../bench/mod.ts";
import { type Axis, Chart, type Point, type Stroke } from "./chart.ts";

/** One plot: some columns of a bench's table over another one. */
export interface GrowthPlot {
  /** The bench. */
  readonly bench: string;
  /** What the plot shows. */
  readonly title: string;
  /** The column of the horizontal axis. */
  readonly over: string;
  /** Whether that axis is logarithmic. */
  readonly factors: boolean;
  /** The columns that are drawn, by what they are called in the plot. */
  readonly lines: Readonly<Record<string, string>>;
}

/** All of them. */
export const GROWTH_PLOTS: readonly GrowthPlot[] = [
  {
    bench: "growth_keys",
    title: "A decision over more and more live keys",
    over: "keys",
    factors: true,
    lines: { "µs a decision, in all": "µs a decision", "µs in Redis": "command µs a decision" },
  },
  {
    bench: "growth_concurrency",
    title: "A decision with more and more calls in flight",
    over: "calls in flight",
    factors: true,
    lines: {
      "µs a decision, in all": "µs a decision",
      "µs in Redis": "command µs a decision",
      "decisions a script call": "decisions a script call",
    },
  },
  {
    bench: "growth_limits",
    title: "A decision over more and more limits at once",
    over: "limits",
    factors: false,
    lines: {
      "µs in Redis, token_bucket": "command µs a decision, token_bucket",
      "µs in Redis, fixed_window": "command µs a decision, fixed_window",
      "µs in Redis, sliding_window_counter": "command µs a decision, sliding_window_counter",
    },
  },
  {
    bench: "growth_window",
    title: "A decision over larger and larger sliding windows",
    over: "window size",
    factors: true,
    lines: { "µs a decision, in all": "µs a decision", "µs in Redis": "command µs a decision" },
  },
  {
    bench: "growth_waiters",
    title: "An acquire among more and more waiters",
    over: "waiters",
    factors: true,
    lines: {
      "µs each, in line for one slot": "µs each, one slot",
      "µs in Redis each, in line for one slot": "command µs each, one slot",
      "µs in Redis each, waiting for a rate": "command µs each, rate",
      "commands each, in line for one slot": "commands each, one slot",
    },
  },
];

const STROKES: readonly Stroke[] = [
  { color: "#0969da" },
  { color: "#1a7f37", dash: "9 4" },
  { color: "#8250df", dash: "3 3" },
  { color: "#9a6700", dash: "12 3 2 3" },
];

/** How much of the height the names of the lines take, each. */
const NAME_SHARE = 0.065;

/** Draws one. */
export function plotGrowth(plot: GrowthPlot, rows: readonly Row[], subtitle: string): string {
  const lines = Object.entries(plot.lines).map(([name, column]) => ({
    name,
    points: rows.map((row): Point => [Number(row[plot.over]), Number(row[column])]).filter(([, y]) => y > 0),
  }));
  const chart = new Chart({
    title: plot.title,
    subtitle,
    drawnBy: "scripts/benchmarks.ts",
    width: 860,
    height: 440,
    x: acrossAxis(plot, rows),
    y: upAxis(lines.flatMap(({ points }) => points.map(([, y]) => y)), NAME_SHARE * (lines.length + 0.5)),
  });
  for (const [i, { name, points }] of lines.entries()) {
    const stroke = STROKES[i % STROKES.length] as Stroke;
    chart.curve(points, stroke);
    for (const point of points) chart.dot(point, stroke.color);
    const down = NAME_SHARE * (i + 0.7);
    chart.line(chart.inside(0.02, down), chart.inside(0.07, down), stroke);
    chart.text(chart.inside(0.07, down), name, { dx: 8, dy: 4 });
  }
  return chart.svg();
}

function acrossAxis({ over, factors }: GrowthPlot, rows: readonly Row[]): Axis {
  const values = rows.map((row) => Number(row[over]));
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return factors
    ? { label: over, range: [least / 1.3, most * 1.3], every: 10, logarithmic: true }
    : { label: over, range: [0, most + 1], every: 1 };
}

/** Logarithmic, with room for the names above the highest value. */
function upAxis(values: readonly number[], roomShare: number): Axis {
  const from = 10 ** Math.floor(Math.log10(Math.min(...values)));
  const to = from * (Math.max(...values) / from) ** (1 / (1 - roomShare));
  return { label: "", range: [from, to], every: 10, logarithmic: true };
}
