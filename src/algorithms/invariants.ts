/**
 * What holds for every state that a kernel makes: tests check it, and so does a store with `checkStates`.
 *
 * @module
 */

import { fixedWindowExcess, fixedWindowProblem } from "./fixed_window/invariants.ts";
import type { RateState } from "./kernels.ts";
import type { RateAlgorithm, RateLimit } from "./limit.ts";
import { slidingWindowExcess, slidingWindowProblem } from "./sliding_window/invariants.ts";
import { slidingWindowCounterExcess, slidingWindowCounterProblem } from "./sliding_window_counter/invariants.ts";
import { tokenBucketProblem } from "./token_bucket/invariants.ts";

/** What is wrong with a state; undefined if nothing is. */
type Check = (state: never, limit: never) => string | undefined;

const PROBLEMS: Readonly<Record<RateAlgorithm, Check>> = {
  token_bucket: tokenBucketProblem,
  sliding_window: slidingWindowProblem,
  sliding_window_counter: slidingWindowCounterProblem,
  fixed_window: fixedWindowProblem,
};

/** A token bucket has no count: how full it is follows from the clock. */
const EXCESSES: Readonly<Record<RateAlgorithm, Check>> = {
  token_bucket: () => undefined,
  sliding_window: slidingWindowExcess,
  sliding_window_counter: slidingWindowCounterExcess,
  fixed_window: fixedWindowExcess,
};

/** What is wrong with the form of a state, whatever rules made it: undefined if nothing is. */
export function stateProblem(limit: RateLimit, state: RateState): string | undefined {
  return PROBLEMS[limit.algorithm](state as never, limit as never);
}

/**
 * More units in a state than the limit allows, where the limit was the same all the time: undefined if there are not. Units
 * that wait are counted in the windows for which they were taken.
 */
export function stateExcess(limit: RateLimit, state: RateState): string | undefined {
  return EXCESSES[limit.algorithm](state as never, limit as never);
}
