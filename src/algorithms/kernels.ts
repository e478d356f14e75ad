/**
 * The kernels, by the names of their algorithms.
 *
 * @module
 */

import { fixedWindow } from "./fixed_window/kernel.ts";
import type { Kernel } from "./kernel.ts";
import type { RateAlgorithm, RateLimit } from "./limit.ts";
import { slidingWindow } from "./sliding_window/kernel.ts";
import { slidingWindowCounter } from "./sliding_window_counter/kernel.ts";
import { tokenBucket } from "./token_bucket/kernel.ts";

/** What a kernel keeps for one limit of one key. Only the kernel that made it can read it. */
export type RateState = object;

const KERNELS = {
  token_bucket: tokenBucket,
  sliding_window: slidingWindow,
  sliding_window_counter: slidingWindowCounter,
  fixed_window: fixedWindow,
} satisfies Readonly<Record<RateAlgorithm, unknown>>;

/** The kernel that counts a limit. A limit and the states made for it belong together. */
export function kernelOf(limit: RateLimit): Kernel<RateLimit, RateState> {
  return KERNELS[limit.algorithm] as Kernel<never, never> as Kernel<RateLimit, RateState>;
}
