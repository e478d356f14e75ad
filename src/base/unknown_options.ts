/**
 * Unknown options are mistakes: each is an error.
 *
 * @module
 */

import { ConfigError } from "./errors.ts";
import { didYouMean, type WordTable } from "./foreign_words.ts";
import { listWords, show } from "./text.ts";

/**
 * Refuses options whose names are not known. Their values are not shown: they may be secrets.
 *
 * @param options What was given.
 * @param known The names that mean something.
 * @param prefix Where the options stand, with a dot at the end; empty for the outermost ones.
 * @param words What other packages call them, beside the options of limiters, calls and stores.
 * @throws {ConfigError} If there is one, and names the known one that was probably meant; or if they are no object.
 */
export function rejectUnknownOptions(
  options: object,
  known: readonly string[],
  prefix = "",
  words?: readonly WordTable[],
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new ConfigError({ path: prefix.slice(0, -1) || "options", expected: "an object", received: show(options) });
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const hint = didYouMean(key, known, words);
    const expected = hint === undefined ? `one of ${known.join(", ")}` : `a known option; ${hint}`;
    throw new ConfigError({ path: `${prefix}${key}`, expected, received: "an unknown option" });
  }
}

/**
 * The error for a value that is not one of some words.
 *
 * @param path The option.
 * @param words What could have been written.
 * @param value What was written.
 * @param meant What it may have meant.
 */
export function unknownWord(
  path: string,
  words: readonly string[],
  value: unknown,
  meant: unknown = value,
): ConfigError {
  const hint = typeof meant === "string" ? didYouMean(meant, words) : undefined;
  const received = hint === undefined ? show(value) : `${show(value)} (${hint})`;
  return new ConfigError({ path, expected: listWords(words), received });
}
