/**
 * A parsed configuration file with its variables filled in, and the way to name a place in it.
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { show } from "../../base/text.ts";

/** A table of the document. A `Map`, so that no key, not even `__proto__`, has a meaning of its own. */
export type Table = ReadonlyMap<string, unknown>;

/** A place in the document: keys of tables and indexes of arrays, from the top. */
export type Path = readonly (string | number)[];

/** A string that holds at least one environment variable: only such a string may stand for a number or a boolean. */
export class FromEnvironment {
  /** The string after expansion. */
  readonly text: string;

  /**
   * Marks a string.
   *
   * @param text The string after expansion.
   */
  constructor(text: string) {
    this.text = text;
  }
}

/** What error messages call the document as a whole. */
const WHOLE = "configuration";

/**
 * Prints a path as TOML spells it: `limiters."a b".limits[1].window_seconds`.
 *
 * @param path The place.
 * @returns The dotted path; `configuration` for the document itself.
 */
export function showPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else {text += (text === "" ? "" : ".") +
        (/^[A-Za-z0-9_-]{1,60}$/.test(step) ? step : show(step));}
  }
  return text === "" ? WHOLE : text;
}

/**
 * Makes the error for a place in the document. The loader adds the file's name.
 *
 * @param path The place.
 * @param expected What would have been accepted, in words.
 * @param received What was there, printed by `show` or hidden.
 */
export function configError(path: Path, expected: string, received: string): ConfigError {
  return new ConfigError({ path: showPath(path), expected, received });
}
