/**
 * Environment variables in a whole document: in values and in keys, so also in the names of tables.
 *
 * @module
 */

import { kindOf, show } from "../../base/text.ts";
import { configError, FromEnvironment, type Path, type Table } from "./document.ts";
import type { EnvReader } from "./environment.ts";
import { expandText } from "./template.ts";

/** Deeper than any option lies; a document that goes on is refused before the stack is at its end. */
const MAX_DEPTH = 8;

/**
 * Fills in every variable of a parsed document. Expansion makes strings, never numbers: a string that held a variable
 * becomes a `FromEnvironment`, every other one stays what it was. The document itself is not changed.
 *
 * @param document What the parser returned.
 * @param env Reads the variables.
 * @returns The document's top table.
 * @throws {ConfigError} If a variable is missing, a string malformed, two keys become the same, or it is no table.
 */
export function expandDocument(document: unknown, env: EnvReader): Table {
  const expanded = expandValue(document, env, []);
  if (expanded instanceof Map) return expanded;
  throw configError([], "a table with sections such as stores and limiters", kindOf(document));
}

function expandValue(value: unknown, env: EnvReader, path: Path): unknown {
  if (path.length > MAX_DEPTH) {
    throw configError(
      path.slice(0, MAX_DEPTH),
      `tables and arrays at most ${MAX_DEPTH} deep`,
      kindOf(value),
    );
  }
  if (typeof value === "string") {
    const { text, hasVariables } = expandText(value, env, path);
    return hasVariables ? new FromEnvironment(text) : text;
  }
  if (Array.isArray(value)) return value.map((item, at) => expandValue(item, env, [...path, at]));
  if (value instanceof Map) throw configError(path, "a plain object for a table", "a Map");
  return isTable(value) ? expandTable(value, env, path) : value;
}

function expandTable(table: object, env: EnvReader, path: Path): Table {
  const expanded = new Map<string, unknown>();
  for (const [written, value] of Object.entries(table)) {
    if (value === undefined) continue;
    const key = expandText(written, env, [...path, written]).text;
    if (expanded.has(key)) {
      throw configError(
        [...path, written],
        "keys that differ from each other",
        `${show(key)} twice`,
      );
    }
    expanded.set(key, expandValue(value, env, [...path, key]));
  }
  return expanded;
}

/** Tells tables from dates and other objects that parsers make. */
function isTable(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
