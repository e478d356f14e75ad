/**
 * The table of rate algorithms: with `kernels.ts`, the only place that names them all. It is loaded with the main entry,
 * to check options; the kernels are loaded with a store.
 *
 * @module
 */

import type { Algorithm } from "./algorithm.ts";
import { fixedWindowAlgorithm } from "./fixed_window/mod.ts";
import type { RateAlgorithm, RateLimit } from "./limit.ts";
import { slidingWindowAlgorithm } from "./sliding_window/mod.ts";
import { slidingWindowCounterAlgorithm } from "./sliding_window_counter/mod.ts";
import { tokenBucketAlgorithm } from "./token_bucket/mod.ts";

const ROWS: { readonly [Name in RateAlgorithm]: Algorithm<Extract<RateLimit, { algorithm: Name }>> } = {
  token_bucket: tokenBucketAlgorithm,
  sliding_window: slidingWindowAlgorithm,
  sliding_window_counter: slidingWindowCounterAlgorithm,
  fixed_window: fixedWindowAlgorithm,
};

/** How a limit counts that does not say it. */
export const DEFAULT_ALGORITHM: RateAlgorithm = "token_bucket";

/** The names of all algorithms, as options have them. */
export const ALGORITHM_NAMES: readonly RateAlgorithm[] = Object.keys(ROWS) as RateAlgorithm[];

/** The algorithm of a name. */
export function algorithmOf(name: RateAlgorithm): Algorithm<RateLimit> {
  return ROWS[name] as Algorithm<never> as Algorithm<RateLimit>;
}
