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
 * fraction. Found by continued fractions.
 *
 * @param value A positive finite number.
 */
export function simplestFraction(value: number): Fraction {
  let [n0, d0, n1, d1] = [0, 1, 1, 0];
  let rest = value;
  for (;;) {
    const whole = Math.floor(rest);
    [n0, d0, n1, d1] = [n1, d1, whole * n1 + n0, whole * d1 + d0];
    if (n1 / d1 === value || rest === whole) return { numerator: n1, denominator: d1 };
    rest = 1 / (rest - whole);
  }
}

/** The fraction in lowest terms. Both parts are positive whole numbers. */
export function reduce(numerator: bigint, denominator: bigint): [bigint, bigint] {
  let [a, b] = [numerator, denominator];
  while (b !== 0n) [a, b] = [b, a % b];
  return [numerator / a, denominator / a];
}
