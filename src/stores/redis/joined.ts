/**
 * Numbers that scripts answer as one, because Redis needs longer for a number than to add two up.
 *
 * @module
 */

import { algorithmOf } from "../../algorithms/mod.ts";
import type { Level } from "../../algorithms/kernel.ts";
import type { RateLimit } from "../../algorithms/limit.ts";

/** Sums stay exact in a double. */
const MOST = 2 ** 53;

/** By what the first number of a level of windows is multiplied in such a sum (`_joined.lua`); 0 where there is none. */
export function windowScale(rate: RateLimit): number {
  const [capacity, windowUs] = algorithmOf(rate.algorithm).numbers(rate) as [number, number];
  const scale = 2 * windowUs + 1;
  return capacity >= scale || (capacity + 1) * scale > MOST ? 0 : scale;
}

/** The two numbers of such a sum. */
export function apart(sum: number, scale: number): Level {
  const first = Math.floor(sum / scale);
  return [first, sum - first * scale];
}
