/**
 * What a bench tells, and how it is printed.
 *
 * @module
 */

/** A line of a table: its columns by their titles. The first says what the line is about; null is not measured. */
export type Row = Readonly<Record<string, string | number | null>>;

/** A figure that must hold. */
export interface Claim {
  /** What is claimed. */
  readonly what: string;
  /** Whether a higher or a lower figure is better. */
  readonly better: "higher" | "lower";
  /** What comes after the figures: `x`, ` µs`. */
  readonly unit: string;
  /** The figure that must hold. */
  readonly must: number;
  /** The figure that is aimed at. */
  readonly aim: number;
  /** The figure that was measured; null where it could not be. */
  readonly measured: number | null;
  /** What tells how fast this machine is beside the one for which the goals were set. Ratios need none. */
  readonly yardstick?: Yardstick;
}

/** A contender of the same run, whose figure is known on the machine for which a goal was set. */
export interface Yardstick {
  /** What it is. */
  readonly name: string;
  /** What it needed on that machine, in the unit of the goal. */
  readonly then: number;
  /** What it needs here; null where it was not measured. */
  readonly now: number | null;
}

/** What a bench found. */
export interface Report {
  /** Under which conditions, in a sentence. */
  readonly about: string;
  /** The table. */
  readonly rows: readonly Row[];
  /** What the table shows. */
  readonly claims: readonly Claim[];
  /** What could not be measured, and what one must know. */
  readonly notes: readonly string[];
}

/** What every bench is given. */
export interface BenchContext {
  /** A Redis whose data may be thrown away. */
  readonly url: string;
  /** Whether tiny counts will do: that shows that the bench runs, and measures nothing. */
  readonly quick: boolean;
}

/** Measures something. */
export type Bench = (context: BenchContext) => Promise<Report>;

/** A claim; `measured` may be missing or not a number. */
export function claim(facts: Omit<Claim, "measured">, measured: number | undefined): Claim {
  return { ...facts, measured: numberOrNull(measured) };
}

/** A yardstick; `now` may be missing, or no time. */
export function yardstick(name: string, then: number, now: number | undefined): Yardstick {
  return { name, then, now: now !== undefined && now > 0 ? now : null };
}

/** A report as Markdown: its table, its claims and its notes. */
export function reportText({ about, rows, claims, notes }: Report): string {
  const parts = [
    about,
    tableText(rows),
    claimsText(claims),
    yardsticksText(claims),
    notes.map((note) => `- ${note}`).join("\n"),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

/** Rows as a Markdown table. */
export function tableText(rows: readonly Row[]): string {
  const titles = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  if (titles.length === 0) return "";
  const lines = rows.map((row) => titles.map((title) => cell(row[title])));
  return [titles, titles.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Claims as a Markdown table. */
export function claimsText(claims: readonly Claim[]): string {
  return tableText(claims.map((claim) => {
    const { what, unit, must, aim, measured } = claim;
    const scaled = scaledFigure(claim);
    return {
      what,
      must: `${figure(must)}${unit}`,
      aim: `${figure(aim)}${unit}`,
      measured: measured === null ? "not measured" : `${figure(measured)}${unit}`,
      met: verdict(claim, measured),
      "at the goals' speed": scaled === undefined ? "" : `${figure(scaled)}${unit}`,
      "met there": scaled === undefined ? "" : verdict(claim, scaled),
    };
  }));
}

/** What the yardsticks of claims say, one line each. */
export function yardsticksText(claims: readonly Claim[]): string {
  const lines = claims.flatMap(({ yardstick, unit }) =>
    yardstick === undefined || yardstick.now === null
      ? []
      : [`- ${yardstick.name}: ${figure(yardstick.then)}${unit} then, ${figure(yardstick.now)}${unit} here`]
  );
  return [...new Set(lines)].join("\n");
}

/** A number with three digits that count, and thousands apart. */
export function figure(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const [whole = "", fraction = ""] = value.toFixed(Math.min(digits, 6)).split(".");
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, " ") : whole;
  const kept = fraction.replace(/0+$/, "");
  return kept === "" ? grouped : `${grouped}.${kept}`;
}

/** What was measured, as long as it would take where the yardstick took what it took then. */
function scaledFigure({ measured, yardstick }: Claim): number | undefined {
  if (measured === null || yardstick === undefined || yardstick.now === null) return undefined;
  return measured * yardstick.then / yardstick.now;
}

function verdict({ better, must, aim }: Claim, measured: number | null): string {
  if (measured === null) return "?";
  const reaches = (goal: number) => better === "higher" ? measured >= goal : measured <= goal;
  return reaches(aim) ? "aim" : reaches(must) ? "must" : "no";
}

function numberOrNull(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}

function cell(value: string | number | null | undefined): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null || Number.isNaN(value) ? "" : figure(value);
}
