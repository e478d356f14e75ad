/**
 * Limiters that histories are tried on.
 *
 * @module
 */

import type { Random } from "../../../scripts/simulate/random.ts";
import type { LimiterOptions, LimitOptions } from "../../../src/policy/options.ts";

/** Any limiter: one limit, or two or three, and perhaps permits. */
export function randomLimiter(random: Random): LimiterOptions {
  const permits = { maxConcurrent: 1 + random.below(3), leaseTtlMs: random.pick([100, 1_000, 60_000]) };
  switch (random.below(6)) {
    case 0:
      return permits;
    case 1:
      return { ...randomLimit(random), ...permits };
    case 2:
    case 3:
      return { limits: Array.from({ length: 2 + random.below(2) }, () => randomLimit(random)) };
    default:
      return randomLimit(random);
  }
}

/** Any limit, small enough that everything happens often. */
function randomLimit(random: Random): LimitOptions {
  const limit = 1 + random.below(random.pick([3, 12]));
  const windowMs = random.pick([0.007, 0.1, 1, 3, 61, 1_000, 60_000]);
  if (random.chance(0.3)) {
    return random.chance(0.5)
      ? { limit: Math.min(limit, windowMs * 1_000), windowMs }
      : { ratePerSecond: random.pick([0.5, 3, 1 / 3, 33.3, 1_000, 700_001]), burst: limit };
  }
  return {
    algorithm: random.pick(["sliding_window", "sliding_window_counter", "fixed_window"] as const),
    limit,
    windowMs,
  };
}
