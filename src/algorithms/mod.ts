/**
 * The table of rate algorithms: the only place that names them all.
 *
 * @module
 */

import type { Algorithm } from "./algorithm.ts";
import { fixedWindowAlgorithm } from "./fixed_window/mod.ts";
import type { Kernel } from "./kernel.ts";
import type { RateAlgorithm, RateLimit } from "./limit.ts";
import { slidingWindowAlgorithm } from "./sliding_window/mod.ts";
import { slidingWindowCounterAlgorithm } from "./sliding_window_counter/mod.ts";
import { tokenBucketAlgorithm } from "./token_bucket/mod.ts";

/** What a kernel keeps for one limit of one key. Only the kernel that made it can read it. */
export type RateState = object;

/** An algorithm whose limits and states are its own business. */
export type AnyAlgorithm = Algorithm<RateLimit, RateState>;

const ROWS = [
  tokenBucketAlgorithm,
  slidingWindowAlgorithm,
  slidingWindowCounterAlgorithm,
  fixedWindowAlgorithm,
] as const;

const byName = Object.fromEntries(ROWS.map((row) => [row.name, row])) as Readonly<
  Record<RateAlgorithm, Algorithm<never, never>>
>;

/** The names of all algorithms, as options have them. */
export const ALGORITHM_NAMES: readonly RateAlgorithm[] = ROWS.map(({ name }) => name);

/** The algorithm of a name. */
export function algorithmOf(name: RateAlgorithm): AnyAlgorithm {
  return byName[name] as Algorithm<never, never> as unknown as AnyAlgorithm;
}

/** The kernel that counts a limit. A limit and the states made for it belong together. */
export function kernelOf(limit: RateLimit): Kernel<RateLimit, RateState> {
  return algorithmOf(limit.algorithm).kernel;
}
