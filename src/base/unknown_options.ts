/**
 * Options that nobody knows are mistakes, and never passed over.
 *
 * @module
 */

import { ConfigError } from "./errors.ts";
import { nearest } from "./nearest.ts";
import { show } from "./text.ts";

/**
 * Refuses options whose names are not known. Their values are not shown: they may be secrets.
 *
 * @param options What was given.
 * @param known The names that mean something.
 * @param prefix Where the options stand, with a dot at the end; empty for the outermost ones.
 * @throws {ConfigError} If there is one; it names the nearest known one.
 */
export function rejectUnknownOptions(options: object, known: readonly string[], prefix = ""): void {
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const guess = nearest(key, known);
    const expected = guess === undefined
      ? `one of ${known.join(", ")}`
      : `a known option; did you mean ${show(guess)}?`;
    throw new ConfigError({ path: `${prefix}${key}`, expected, received: "an unknown option" });
  }
}
