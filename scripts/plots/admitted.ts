/**
 * The plot of what each algorithm admits under the same load, from runs of the kernels.
 *
 * @module
 */

import { kernelOf } from "../../src/algorithms/kernels.ts";
import type { LimitOptions } from "../../src/policy/options.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { Chart, type Point, type Stroke } from "./chart.ts";

interface Line extends Stroke {
  readonly name: string;
  readonly limit: LimitOptions;
}

const WINDOW_MS = 10_000;
const QUOTA = { limit: 10, windowMs: WINDOW_MS };
const END_MS = 40_000;

const LINES: readonly Line[] = [
  { name: "token_bucket", limit: QUOTA, color: "#0969da" },
  { name: "fixed_window", limit: { ...QUOTA, algorithm: "fixed_window" }, color: "#cf222e", dash: "9 4" },
  {
    name: "sliding_window_counter",
    limit: { ...QUOTA, algorithm: "sliding_window_counter" },
    color: "#8250df",
    dash: "3 3",
  },
  { name: "sliding_window", limit: { ...QUOTA, algorithm: "sliding_window" }, color: "#1a7f37" },
  { name: "token_bucket, burst 1", limit: { ratePerSecond: 1 }, color: "#9a6700", dash: "12 3 2 3" },
];

/** One call at once, silence, then four calls a second: three in four must be denied. */
const OFFERED_MS: readonly number[] = [0, ...Array.from({ length: (END_MS - 8_000) / 250 }, (_, i) => 8_000 + i * 250)];

/** The plot. */
export function plotAdmitted(): string {
  const chart = new Chart({
    title: "What each algorithm admits: 10 calls in 10 seconds",
    subtitle: "Offered: one call at 0 s, then 4 a second from 8 s on",
    width: 860,
    height: 500,
    x: { label: "time (seconds)", range: [0, END_MS / 1_000], every: 5 },
    y: { label: "calls admitted so far", range: [0, 45], every: 5 },
  });
  LINES.forEach((line, i) => {
    const admittedMs = admit(line.limit);
    const points = admittedMs.map((ms, n): Point => [ms / 1_000, n + 1]);
    chart.steps([[0, 0], ...points, [END_MS / 1_000, admittedMs.length]], line);
    const y = 42.5 - i * 2.3;
    chart.line([1, y], [4, y], line);
    chart.text([4, y], `${line.name}: at most ${most(admittedMs)} in any 10 s here`, { dx: 8, dy: 4 });
  });
  chart.text([11.7, 17], "boundary burst", { color: "#cf222e", anchor: "end", dx: -8 });
  return chart.svg();
}

/** When calls are admitted that never wait, in milliseconds. */
function admit(options: LimitOptions): number[] {
  const [limit] = compilePolicy(options).rates;
  if (limit === undefined) throw new Error("Cannot plot a limiter without a rate");
  const kernel = kernelOf(limit);
  const epochUs = 1_767_225_600_000_000;
  let state = kernel.fresh();
  return OFFERED_MS.filter((ms) => {
    const nowUs = epochUs + ms * 1_000;
    if (kernel.earliest(state, nowUs, 1, limit) > nowUs) return false;
    state = kernel.take(state, nowUs, nowUs, 1, limit);
    return true;
  });
}

/** The most calls in any half-open interval of the window's length. */
function most(admittedMs: readonly number[]): number {
  return Math.max(...admittedMs.map((from) => admittedMs.filter((ms) => ms >= from && ms < from + WINDOW_MS).length));
}
