/**
 * The time between two requests of a random history.
 *
 * @module
 */

import type { Random } from "../../../scripts/simulate/random.ts";

/**
 * In microseconds: mostly nothing or next to it; else as long as the last denial said, give or take a microsecond, or any time.
 *
 * @param random What decides.
 * @param retryUs What the last denial said; 0 if the last call was allowed.
 */
export function pauseUs(random: Random, retryUs: number): number {
  switch (random.below(6)) {
    case 0:
      return Math.max(retryUs - 1 + random.below(3), 0);
    case 1:
      return random.below(random.pick([10, 1_000, 100_000, 3_000_000]));
    case 2:
      return random.below(3);
    default:
      return 0;
  }
}
