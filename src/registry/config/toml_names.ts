/**
 * How options are spelt in TOML. It follows from their rows.
 *
 * @module
 */

import type { OptionRow } from "../../base/option_table.ts";
import { LIMITER_OPTIONS } from "../../policy/option_table.ts";
import { ENGINES, optionsOf } from "../engines.ts";

/**
 * The keys of an option: those of its row, or its name with `_` in place of capitals. A duration loses its unit, because
 * it has units of its own, and a file says that it is one: `socketTimeoutMs` is `socket_timeout`, `tlsCa` is
 * `tls_ca_file`. An option of code alone has none.
 */
export function keysOf(name: string, { type, keys }: OptionRow): readonly string[] {
  if (type === undefined) return [];
  if (keys !== undefined) return keys;
  const bare = type === "duration" ? name.replace(/Ms$/, "") : name;
  return [bare.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) + (type === "file" ? "_file" : "")];
}

const ROWS: readonly (readonly [name: string, row: OptionRow])[] = [
  LIMITER_OPTIONS,
  ...Object.values(ENGINES).map(optionsOf),
].flatMap((table) => Object.entries(table));

/** Options whose value never appears in a message, by their keys. */
export const SECRETS: ReadonlySet<string> = keysWhere(({ secret }) => secret === true);

/** Options that are durations, by their keys: seconds where they are numbers. */
export const DURATIONS: ReadonlySet<string> = keysWhere(({ type }) => type === "duration");

const KEYS: ReadonlyMap<string, string> = new Map(ROWS.map(([name, row]) => [name, keysOf(name, row)[0] ?? name]));

const OPTION = new RegExp(`\\b(?:${[...KEYS.keys()].join("|")})\\b`, "g");

/** A text in which options are spelt as in code, with their TOML names. */
export function inTomlSpelling(text: string): string {
  return text.replace(OPTION, (option) => KEYS.get(option) ?? option);
}

function keysWhere(holds: (row: OptionRow) => boolean): ReadonlySet<string> {
  return new Set(ROWS.flatMap(([name, row]) => holds(row) ? keysOf(name, row) : []));
}
