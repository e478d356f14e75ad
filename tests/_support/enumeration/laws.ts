/**
 * The laws, on the kernels of a world.
 *
 * @module
 */

import { stateExcess, stateProblem } from "../../../src/algorithms/kernels.ts";
import type { RateLimit } from "../../../src/algorithms/limit.ts";
import { kernelOf, type RateState } from "../../../src/algorithms/kernels.ts";
import { latestOf } from "../auditor/too_late.ts";
import type { World } from "./world.ts";

/**
 * A caller that would be let in later than what was kept allows.
 *
 * @returns What is wrong; undefined if nothing is.
 */
export function tooLate(limits: readonly RateLimit[], world: World, costs: readonly number[]): string | undefined {
  const { nowUs } = world;
  for (const [i, limit] of limits.entries()) {
    for (const cost of costs) {
      const actual = kernelOf(limit).earliest(world.states[i] as RateState, nowUs, cost, limit);
      if (actual === nowUs) continue;
      const latest = latestOf(limit, world, i, cost);
      if (actual > latest) {
        return `a cost of ${cost} is let in by ${limit.algorithm} after ${actual - nowUs} µs, not ${latest - nowUs}`;
      }
    }
  }
  return undefined;
}

/** A state that cannot be right: undefined if there is none. */
export function brokenState(limits: readonly RateLimit[], { states }: World): string | undefined {
  for (const [i, limit] of limits.entries()) {
    const state = states[i] as RateState;
    const problem = stateProblem(limit, state) ?? stateExcess(limit, state);
    if (problem !== undefined) return `the state of ${limit.algorithm}: ${problem}`;
  }
  return undefined;
}
