/**
 * A chart as SVG: axes, step lines, bars, text. The same input always gives the same bytes.
 *
 * @module
 */

/** One axis. */
export interface Axis {
  /** What it shows, with its unit. Nothing where it is empty. */
  readonly label: string;
  /** The values at its ends. */
  readonly range: readonly [from: number, to: number];
  /** Where it has ticks: every so many units from 0, or at powers of it on a logarithmic axis. 0 for none. */
  readonly every: number;
  /** Whether equal steps are equal factors; the range must be above 0 then. @default {false} */
  readonly logarithmic?: boolean;
}

/** What surrounds the data. */
export interface Frame {
  /** What the chart shows, in a sentence. */
  readonly title: string;
  /** Under what conditions. */
  readonly subtitle: string;
  /** What draws it. @default {"scripts/plot_limits.ts"} */
  readonly drawnBy?: string;
  /** The whole width, in pixels. */
  readonly width: number;
  /** The whole height, in pixels. */
  readonly height: number;
  /** The horizontal axis. */
  readonly x: Axis;
  /** The vertical axis. */
  readonly y: Axis;
}

/** A line's looks: every line differs in colour and in dashes. */
export interface Stroke {
  /** As CSS writes it. */
  readonly color: string;
  /** Lengths of dashes and gaps, in pixels; a solid line without. */
  readonly dash?: string;
  /** In pixels. @default {2} */
  readonly width?: number;
}

/** How a text stands. */
export interface TextStyle {
  /** As CSS writes it. @default {"#24292f"} */
  readonly color?: string;
  /** In pixels. @default {13} */
  readonly size?: number;
  /** Which end of the text is at the point. @default {"start"} */
  readonly anchor?: "start" | "middle" | "end";
  /** Pixels to the right of the point. @default {0} */
  readonly dx?: number;
  /** Pixels below the point. @default {0} */
  readonly dy?: number;
}

/** A point in the units of the axes. */
export type Point = readonly [x: number, y: number];

const INK = "#24292f";
const FAINT = "#e3e6ea";
const MARGIN = { left: 64, right: 24, top: 68, bottom: 56 };

/** A chart that is being drawn. Points are in the units of its axes. */
export class Chart {
  readonly #frame: Frame;
  readonly #marks: string[] = [];

  /**
   * Begins one.
   *
   * @param frame What surrounds the data.
   */
  constructor(frame: Frame) {
    this.#frame = frame;
  }

  /** A straight line. */
  line(from: Point, to: Point, stroke: Stroke): void {
    this.#path(`M${this.#at(from)}L${this.#at(to)}`, stroke);
  }

  /** A line that keeps its height until the next point. */
  steps(points: readonly Point[], stroke: Stroke): void {
    const [first = [0, 0], ...rest] = points;
    this.#path(`M${this.#at(first)}${rest.map(([x, y]) => `H${px(this.#x(x))}V${px(this.#y(y))}`).join("")}`, stroke);
  }

  /** Straight lines from each point to the next. */
  curve(points: readonly Point[], stroke: Stroke): void {
    this.#path(`M${points.map((point) => this.#at(point)).join("L")}`, stroke);
  }

  /** A filled circle. */
  dot([x, y]: Point, color: string): void {
    this.#marks.push(`<circle cx="${px(this.#x(x))}" cy="${px(this.#y(y))}" r="5" fill="${color}"/>`);
  }

  /** The point at a share of the width and of the height, from the left and from the top. */
  inside(acrossShare: number, downShare: number): Point {
    return [valueAt(acrossShare, this.#frame.x), valueAt(1 - downShare, this.#frame.y)];
  }

  /** A line of text. */
  text([x, y]: Point, text: string, style: TextStyle = {}): void {
    this.#marks.push(label(this.#x(x) + (style.dx ?? 0), this.#y(y) + (style.dy ?? 0), text, style));
  }

  /** The whole chart. */
  svg(): string {
    const { title, subtitle, width, height, drawnBy = "scripts/plot_limits.ts" } = this.#frame;
    return [
      `<!-- deno-fmt-ignore-file: drawn by ${drawnBy} -->`,
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
      `role="img" aria-label="${escape(title)}" font-family="Helvetica, Arial, sans-serif">`,
      `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
      label(MARGIN.left, 28, title, { size: 17 }),
      label(MARGIN.left, 50, subtitle, { color: "#57606a" }),
      ...this.#axes(),
      ...this.#marks,
      "</svg>\n",
    ].join("\n");
  }

  #axes(): string[] {
    const { width, height, x, y } = this.#frame;
    const [left, right, top, bottom] = [MARGIN.left, width - MARGIN.right, MARGIN.top, height - MARGIN.bottom];
    const columns = ticks(x).flatMap((value) => [
      line(this.#x(value), top, this.#x(value), bottom),
      label(this.#x(value), bottom + 20, tickText(value), { anchor: "middle" }),
    ]);
    const rows = ticks(y).flatMap((value) => [
      line(left, this.#y(value), right, this.#y(value)),
      label(left - 10, this.#y(value) + 4, tickText(value), { anchor: "end" }),
    ]);
    const turned = `<g transform="translate(20 ${px((top + bottom) / 2)}) rotate(-90)">`;
    return [
      ...columns,
      ...rows,
      `<path d="M${left} ${top}V${bottom}H${right}" fill="none" stroke="${INK}"/>`,
      label((left + right) / 2, height - 14, x.label, { anchor: "middle" }),
      ...(y.label === "" ? [] : [`${turned}${label(0, 0, y.label, { anchor: "middle" })}</g>`]),
    ];
  }

  #path(d: string, { color, dash, width = 2 }: Stroke): void {
    const dashes = dash === undefined ? "" : ` stroke-dasharray="${dash}"`;
    this.#marks.push(`<path d="${d}" fill="none" stroke="${color}" stroke-width="${width}"${dashes}/>`);
  }

  #at([x, y]: Point): string {
    return `${px(this.#x(x))} ${px(this.#y(y))}`;
  }

  #x(value: number): number {
    const { width, x } = this.#frame;
    return MARGIN.left + share(value, x) * (width - MARGIN.left - MARGIN.right);
  }

  #y(value: number): number {
    const { height, y } = this.#frame;
    return height - MARGIN.bottom - share(value, y) * (height - MARGIN.top - MARGIN.bottom);
  }
}

function share(value: number, { range: [from, to], logarithmic = false }: Axis): number {
  return logarithmic ? Math.log(value / from) / Math.log(to / from) : (value - from) / (to - from);
}

function valueAt(share: number, { range: [from, to], logarithmic = false }: Axis): number {
  return logarithmic ? from * (to / from) ** share : from + share * (to - from);
}

function ticks({ range: [from, to], every, logarithmic = false }: Axis): number[] {
  if (every === 0) return [];
  if (logarithmic) {
    const power = (value: number) => Math.log(value) / Math.log(every);
    const first = Math.ceil(power(from) - 1e-9);
    return Array.from({ length: Math.floor(power(to) + 1e-9) - first + 1 }, (_, i) => every ** (first + i));
  }
  const first = Math.ceil(from / every);
  return Array.from({ length: Math.floor(to / every) - first + 1 }, (_, i) => (first + i) * every);
}

/** Thousands stand apart where there are tens of them. */
function tickText(value: number): string {
  const text = String(Math.round(value * 1e6) / 1e6);
  return value < 10_000 ? text : text.replace(/\B(?=(\d{3})+$)/g, " ");
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<path d="M${px(x1)} ${px(y1)}L${px(x2)} ${px(y2)}" stroke="${FAINT}"/>`;
}

function label(x: number, y: number, text: string, { color = INK, size = 13, anchor = "start" }: TextStyle): string {
  const place = `x="${px(x)}" y="${px(y)}"`;
  return `<text ${place} font-size="${size}" fill="${color}" text-anchor="${anchor}">${escape(text)}</text>`;
}

function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
