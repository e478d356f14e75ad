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
  return { ...facts, measured: measured === undefined || Number.isNaN(measured) ? null : measured };
}

/** A report as Markdown: its table, its claims and its notes. */
export function reportText({ about, rows, claims, notes }: Report): string {
  const parts = [about, tableText(rows), claimsText(claims), notes.map((note) => `- ${note}`).join("\n")];
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
    return {
      what,
      must: `${figure(must)}${unit}`,
      aim: `${figure(aim)}${unit}`,
      measured: measured === null ? "not measured" : `${figure(measured)}${unit}`,
      met: verdict(claim),
    };
  }));
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

function verdict({ better, must, aim, measured }: Claim): string {
  if (measured === null) return "?";
  const reaches = (goal: number) => better === "higher" ? measured >= goal : measured <= goal;
  return reaches(aim) ? "aim" : reaches(must) ? "must" : "no";
}

function cell(value: string | number | null | undefined): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null || Number.isNaN(value) ? "" : figure(value);
}
