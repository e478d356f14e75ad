/**
 * From text to a document.
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";

/** Turns the text of a configuration file into tables, as JSON.parse does; throws what it likes. */
export type ConfigParser = (text: string) => unknown;

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
    return parser(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new ConfigError({
      path: placeOf(error) ?? "configuration",
      expected: parse === undefined ? "TOML" : "text that the given parser takes",
      received: (parse === undefined ? reasonOf(error) : undefined) ?? "something else",
    });
  }
}

async function loadTomlParser(): Promise<ConfigParser> {
  const { parse } = await import("smol-toml");
  return (text) => parse(text);
}

/** Finds where a parser stopped: in the error's members, as smol-toml has them, or in its message. */
function placeOf(error: unknown): string | undefined {
  const { line, column } = Object(error) as Readonly<Record<string, unknown>>;
  if (typeof line === "number" && typeof column === "number") {
    return `line ${line}, column ${column}`;
  }
  const said = /\bline (\d+),? col(?:umn)? (\d+)|\((\d+):(\d+)\)/.exec(messageOf(error));
  return said === null ? undefined : `line ${said[1] ?? said[3]}, column ${said[2] ?? said[4]}`;
}

/** Takes the reason out of smol-toml's message. Its other lines are a piece of the file. */
function reasonOf(error: unknown): string | undefined {
  return /^Invalid TOML document: ([\w ,.:;'()-]+)$/m.exec(messageOf(error))?.[1];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}
