/**
 * The second half of the law of give-backs: if no other take followed, giving a take back restores a state from which
 * every later decision is the same as if the take had never happened.
 *
 * @module
 */

import type { RateLimit } from "../../../src/algorithms/limit.ts";
import type { Kept } from "../auditor/kept.ts";
import { earliest, spanUs, statesWithout, type World } from "./world.ts";

/** The requests, and how they are made. */
export interface RestoreCheck {
  /** The limits that decide together. */
  readonly limits: readonly RateLimit[];
  /** The costs of takes. */
  readonly costs: readonly number[];
  /** How long the take is kept, at most, before it is given back. */
  readonly passUs: number;
}

/**
 * Gives the newest take back, at once and a little later, and compares what follows with the world before the take.
 *
 * @returns What differs; undefined if nothing does.
 */
export function restoresLess({ limits, costs, passUs }: RestoreCheck, before: World, taken: World): string | undefined {
  const newest = taken.kept.at(-1) as Kept;
  const span = spanUs(limits);
  const most = Math.max(...costs);
  for (const heldUs of [0, passUs]) {
    const backUs = taken.nowUs + heldUs;
    const states = statesWithout(limits, { nowUs: backUs, states: taken.states }, newest, newest.units);
    for (const laterUs of [0, passUs, span]) {
      const nowUs = backUs + laterUs;
      const expected = earliest(limits, { nowUs, states: before.states }, most);
      const actual = earliest(limits, { nowUs, states }, most);
      if (actual === expected) continue;
      return `given back after ${heldUs} µs, a cost of ${most} is let in ${laterUs} µs later after ${
        actual - nowUs
      } µs, ` +
        `not ${expected - nowUs}`;
    }
  }
  return undefined;
}
