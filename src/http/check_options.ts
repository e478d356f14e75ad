/**
 * Checks that what should be options are options, and no others than there are.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { didYouMean } from "../base/foreign_words.ts";
import { show } from "../base/text.ts";
import { rejectUnknownOptions } from "../base/unknown_options.ts";
import { HTTP_WORDS } from "./foreign_words.ts";

/**
 * Throws for a value that is no object of options, and for unknown options.
 *
 * @param options What was given.
 * @param known The names that mean something.
 * @param path Where the options stand; what a single one is called there is `path.name`, or `name` where `isOuter`.
 * @param isOuter Whether they are the outermost ones.
 * @throws {ConfigError} If something is wrong.
 */
export function checkOptions(options: unknown, known: readonly string[], path: string, isOuter = false): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new ConfigError({ path, expected: "an object of options", received: show(options) });
  }
  rejectUnknownOptions(options, known, isOuter ? "" : `${path}.`, HTTP_WORDS);
}

/**
 * Checks the handler that a guard wraps.
 *
 * @throws {ConfigError} If it is no function.
 */
export function checkHandler(handler: unknown): void {
  if (typeof handler === "function") return;
  throw new ConfigError({ path: "handler", expected: "a function that answers requests", received: show(handler) });
}

/** What a word of another package means here, as the end of a message: `; did you mean "draft-11"?`, or nothing. */
export function hint(word: unknown, known: readonly string[]): string {
  const meant = typeof word === "string" ? didYouMean(word, known, HTTP_WORDS) : undefined;
  return meant === undefined ? "" : `; ${meant}`;
}
