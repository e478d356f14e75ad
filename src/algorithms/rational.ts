/**
 * Rates as exact fractions.
 *
 * @module
 */

/** A positive fraction in lowest terms. */
export interface Fraction {
  /** Above the line. */
  readonly numerator: number;
  /** Below the line. */
  readonly denominator: number;
}

/**
 * The simplest fraction that reads back as the same number: 0.1 is 1/10, and 1/3 is one third, not the nearest binary
 * fraction. Found by continued fractions, of the number's exact binary fraction: so they end.
 *
 * @param value A positive finite number.
 */
export function simplestFraction(value: number): Fraction {
  let [scaled, scale] = [value, 1n];
  for (; !Number.isInteger(scaled); scaled *= 2) scale *= 2n;
  let [rest, divisor] = [BigInt(scaled), scale];
  let [n0, d0, n1, d1] = [0n, 1n, 1n, 0n];
  for (;;) {
    const whole = rest / divisor;
    [n0, d0, n1, d1] = [n1, d1, whole * n1 + n0, whole * d1 + d0];
    [rest, divisor] = [divisor, rest - whole * divisor];
    if (divisor === 0n || Number(n1) / Number(d1) === value) {
      return { numerator: Number(n1), denominator: Number(d1) };
    }
  }
}

/** The fraction in lowest terms. Both parts are positive whole numbers. */
export function reduce(numerator: bigint, denominator: bigint): [bigint, bigint] {
  let [a, b] = [numerator, denominator];
  while (b !== 0n) [a, b] = [b, a % b];
  return [numerator / a, denominator / a];
}

/** A share of some units, rounded down, but one at least. */
export function partOf(units: number, { numerator, denominator }: Fraction): number {
  return Math.max(Number(BigInt(units) * BigInt(numerator) / BigInt(denominator)), 1);
}
