/**
 * The plots of the last minutes, each with a table of the same numbers.
 *
 * @module
 */

import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import UPlot from "uplot";

import type { Point } from "../view.ts";
import { clock, duration, most, number, sum } from "./format.ts";

/** One line of a plot. */
interface Line {
  readonly name: string;
  /** The name of its colour in the style sheet. */
  readonly colour: string;
  readonly isDashed?: boolean;
  readonly values: readonly (number | null)[];
}

interface PlotProps {
  readonly title: string;
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
}

/** How many rows the table beside a plot has. */
const ROWS = 15;

/** What happened, by second. */
export function Plots(
  { points, chosen }: { readonly points: readonly Point[]; readonly chosen: string | undefined },
): VNode {
  const times = points.map(({ t }) => t);
  const of = (pick: (row: Point["l"][string]) => number | null) =>
    points.map(({ l }) => chosen === undefined ? Object.values(l).map(pick) : [pick(l[chosen] ?? [0, 0, null])]);
  const rates = (at: 0 | 1) => of((row) => row[at]).map((values) => sum(values as number[]));
  const waits = of((row) => row[2]).map((values) => most(values) ?? null);
  const calls = points.map(({ s }) => most(Object.values(s).map(([, p99]) => p99)) ?? null);
  const about = chosen === undefined ? "all limiters" : `limiter ${chosen}`;
  return (
    <div class="columns">
      <Plot
        title={`Requests a second, ${about}`}
        times={times}
        format={number}
        lines={[
          { name: "Allowed", colour: "allowed", values: rates(0) },
          { name: "Denied", colour: "denied", isDashed: true, values: rates(1) },
        ]}
      />
      <Plot
        title={`Times, 99th percentile, ${about}`}
        times={times}
        format={duration}
        lines={[
          { name: "Calls to stores", colour: "time", values: calls },
          { name: "Waits", colour: "wait", isDashed: true, values: waits },
        ]}
      />
    </div>
  );
}

function Plot({ title, times, lines, format }: PlotProps): VNode {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | undefined>(undefined);
  const data = withGaps([times, ...lines.map(({ values }) => values)]);

  useEffect(() => {
    const element = place.current as HTMLDivElement;
    const width = () => Math.max(element.clientWidth, 200);
    const make = () => {
      plot.current?.destroy();
      plot.current = new UPlot(optionsOf(lines, format, width()), data, element);
    };
    make();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: width(), height: HEIGHT }));
    resized.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", make);
    return () => {
      resized.disconnect();
      scheme.removeEventListener("change", make);
      plot.current?.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(data));

  const last = lines.map(({ name, values }) => `${name}: ${shown(values.at(-1), format)}`).join(", ");
  return (
    <section>
      <figure>
        <figcaption>
          <h2>{title}</h2>
        </figcaption>
        <ul class="legend">
          {lines.map(({ name, colour, isDashed }) => (
            <li key={name}>
              <span class={`c-${colour}${isDashed ? " dashed" : ""}`} />
              {name}
            </li>
          ))}
        </ul>
        <div class="plot" ref={place} role="img" aria-label={`${title}. Now ${last}`} />
      </figure>
      <details>
        <summary>The last {ROWS} seconds as a table</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              {lines.map(({ name }) => <th key={name} scope="col" class="n">{name}</th>)}
            </tr>
          </thead>
          <tbody>
            {times.slice(-ROWS).map((time, i, all) => (
              <tr key={time}>
                <th scope="row">{clock(time * 1_000)}</th>
                {lines.map(({ name, values }) => (
                  <td key={name} class="n">{shown(values[times.length - all.length + i], format)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  );
}

/** Seconds without a point that are shown as a gap. A store that hangs holds the next point up for three. */
const GAP = 5;

/** Breaks the lines where there are no points: the connection was lost. */
function withGaps(columns: readonly (readonly (number | null)[])[]): UPlot.AlignedData {
  const [times = []] = columns as readonly [readonly number[]];
  const isGap = (i: number) => i > 0 && (times[i] as number) - (times[i - 1] as number) > GAP;
  // Its type wants times without gaps in front, and `map` does not keep that the first column has none.
  return columns.map((values, column) =>
    values.flatMap((value, i) => isGap(i) ? [column === 0 ? (times[i - 1] as number) + 1 : null, value] : [value])
  ) as unknown as UPlot.AlignedData;
}

const HEIGHT = 190;

function optionsOf(lines: readonly Line[], format: PlotProps["format"], width: number): UPlot.Options {
  const styles = getComputedStyle(document.documentElement);
  const colour = (name: string) => styles.getPropertyValue(`--${name}`).trim();
  const axis = { stroke: colour("faint"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
  return {
    width,
    height: HEIGHT,
    padding: [8, 28, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_, __, max) => [0, Math.max(max * 1.1, 1)] } },
    axes: [
      { ...axis, values: (_, splits) => splits.map((time) => clock(time * 1_000)), space: 80 },
      { ...axis, values: (_, splits) => splits.map(format), size: 64 },
    ],
    series: [
      {},
      ...lines.map(({ name, colour: of, isDashed }) => ({
        label: name,
        stroke: colour(of),
        width: 2,
        points: { show: false },
        ...(isDashed ? { dash: [6, 4] } : {}),
      })),
    ],
  };
}

function shown(value: number | null | undefined, format: PlotProps["format"]): string {
  return value === null || value === undefined ? "none" : format(value);
}
