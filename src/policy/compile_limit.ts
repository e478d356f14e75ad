/**
 * One rate limit, from what a user wrote to what kernels count by.
 *
 * @module
 */

import type { RateLimit } from "../algorithms/limit.ts";
import { ALGORITHM_NAMES, algorithmOf, DEFAULT_ALGORITHM } from "../algorithms/mod.ts";
import type { LimitOptions } from "../algorithms/options.ts";
import { unknownWord } from "../base/unknown_options.ts";

/**
 * Checks one limit and prepares it for arithmetic.
 *
 * @param options The limit as written.
 * @param prefix Where it stands, for messages: `limits[1].`.
 * @throws {ConfigError} If anything is missing, contradictory or out of range.
 */
export function compileLimit(options: LimitOptions, prefix: string): RateLimit {
  const { algorithm = DEFAULT_ALGORITHM } = options;
  if (!ALGORITHM_NAMES.includes(algorithm)) {
    throw unknownWord(`${prefix}algorithm`, ALGORITHM_NAMES, algorithm);
  }
  return algorithmOf(algorithm).compile(options, prefix);
}
