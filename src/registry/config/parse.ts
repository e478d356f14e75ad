/**
 * From text to a document.
 *
 * @module
 */

import { ConfigError, type ConfigErrorDetails } from "../../base/errors.ts";

/** Turns the text of a configuration file into tables, as `JSON.parse` does. May return a promise, and may throw. */
export type ConfigParser = (text: string) => unknown;

/** Where and what a parser refuses. */
type Mistake = Pick<ConfigErrorDetails, "path" | "received">;

/**
 * Parses text.
 *
 * @param text The file's text; a byte order mark is skipped.
 * @param parse The parser; TOML 1.0 if left out.
 * @returns What the parser returned.
 * @throws {ConfigError} If the parser refuses the text. Parsers quote what they refuse, and that may be a secret: the
 * error says where, and for TOML why, and repeats nothing.
 */
export async function parseDocument(text: string, parse?: ConfigParser): Promise<unknown> {
  const parser = parse ?? await loadTomlParser();
  try {
    return await parser(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    const { path, received } = parse === undefined ? tomlMistake(error) : otherMistake(error);
    const expected = parse === undefined ? "TOML" : "text that the given parser takes";
    throw new ConfigError({ path, expected, received });
  }
}

async function loadTomlParser(): Promise<ConfigParser> {
  const { parse } = await import("smol-toml");
  return (text) => parse(text);
}

/** smol-toml says where in members of the error, and why in the first line of its message; the rest quotes the file. */
function tomlMistake(error: unknown): Mistake {
  const { line, column } = Object(error) as { readonly line?: unknown; readonly column?: unknown };
  const reason = /^Invalid TOML document: ([\w ,.:;'()-]+)$/m.exec(messageOf(error))?.[1];
  return mistakeAt(line, column, reason);
}

/** Other parsers say where in their message. Members are no help: JavaScriptCore gives every error a `line`. */
function otherMistake(error: unknown): Mistake {
  const place = /\bline (\d+),? col(?:umn)? (\d+)|\((\d+):(\d+)\)/.exec(messageOf(error));
  return mistakeAt(place?.[1] ?? place?.[3], place?.[2] ?? place?.[4]);
}

function mistakeAt(line: unknown, column: unknown, received: string = "something else"): Mistake {
  const path = line === undefined ? "configuration" : `line ${line}, column ${column}`;
  return { path, received };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}
