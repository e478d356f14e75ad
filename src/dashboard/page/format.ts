/**
 * How numbers and times look.
 *
 * @module
 */

/** A rate or a count: three digits where it is small. */
export function number(value: number): string {
  if (value < 10 && !Number.isInteger(value)) return value.toFixed(value < 1 ? 2 : 1);
  return Math.round(value).toLocaleString("en");
}

/** A duration in milliseconds; a dash where there was none. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return "–";
  return ms < 1_000 ? `${number(ms)} ms` : `${number(ms / 1_000)} s`;
}

/** A time of day. */
export function clock(ms: number): string {
  return new Date(ms).toLocaleTimeString("en", { hourCycle: "h23" });
}

/** How many there are of something. */
export function many(count: number, one: string, several: string): string {
  return `${count} ${count === 1 ? one : several}`;
}

/** A share as a percentage. */
export function share(part: number, whole: number): string {
  return whole === 0 ? "0 %" : `${(100 * part / whole).toFixed(part / whole < 0.1 ? 1 : 0)} %`;
}

/** A sum. */
export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The largest of some numbers that may be missing. */
export function most(values: readonly (number | null | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== null && value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
