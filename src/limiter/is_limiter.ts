/**
 * Recognising limiters among options.
 *
 * @module
 */

import { isCompatible } from "../base/brand.ts";
import { ConfigError } from "../base/errors.ts";
import { Limiter } from "./limiter.ts";

/**
 * Whether a value is a limiter, of this copy of the package or of another one in this process.
 *
 * @throws {ConfigError} If it is a limiter of a version that this one cannot use.
 */
export function isLimiter(value: unknown): value is Limiter {
  if (!(value instanceof Limiter)) return false;
  if (isCompatible(value, "Limiter")) return true;
  throw new ConfigError({
    path: "limiter",
    expected: "a limiter of the version of @ratesync/core that uses it",
    received: "a limiter of another version; this process has loaded two",
  });
}
