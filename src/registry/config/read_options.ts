/**
 * Reads the options of a section by their rows.
 *
 * @module
 */

import type { OptionRow, OptionTable } from "../../base/option_table.ts";
import { listWords, show } from "../../base/text.ts";
import { FAILURE_OPTIONS } from "../../policy/failure_options.ts";
import { type FileReader, UnreadableFile } from "./files.ts";
import type { Section } from "./section.ts";
import { keysOf } from "./toml_names.ts";

/** Options by their names in code; those that are not written are not there. */
export type Values = Readonly<Record<string, unknown>>;

/** No path that is meant is longer; a key without line breaks is. */
const MAX_PATH = 160;

/** The keys of a table's options. */
export function keysOfTable(table: OptionTable): string[] {
  return Object.entries(table).flatMap(([name, row]) => keysOf(name, row));
}

/**
 * Reads the options of a table: types, and what each may be alone. Of files, only the paths are checked.
 *
 * @param section Where they stand.
 * @param table Their rows. Rows of `tables` are for the caller.
 * @throws {ConfigError} If one is of a wrong type or out of range, or two contradict each other.
 */
export function readOptions(section: Section, table: OptionTable): Values {
  const values: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(table)) {
    const [key, other] = keysOf(name, row).filter((each) => section.has(each));
    if (key === undefined) continue;
    const value = readOption(section, key, row);
    if (other !== undefined) section.fail(other, `either ${key} or ${other}`, "both");
    if (value !== undefined) values[name] = value;
  }
  return withOnePolicy(section, values);
}

function readOption(section: Section, key: string, row: OptionRow): unknown {
  switch (row.type) {
    case "text":
      return section.text(key, row) || (row.emptyIsNone ? undefined : "");
    case "texts":
      return section.texts(key);
    case "number":
      return section.number(key, row);
    case "boolean":
      return section.boolean(key);
    case "duration":
      return section.durationMs(key, row);
    case "file":
      return checkPath(section, key);
    case "tables":
    case undefined:
      return undefined;
    default:
      return section.choice(key, row.type);
  }
}

/** Reads the files that options of a table name. */
export async function readFiles(section: Section, table: OptionTable, readFile: FileReader): Promise<Values> {
  const values: Record<string, string> = {};
  for (const [name, row] of Object.entries(table)) {
    const [key] = row.type === "file" ? keysOf(name, row) : [];
    const path = key === undefined ? undefined : section.text(key);
    if (key === undefined || path === undefined || path === "") continue;
    try {
      values[name] = await readFile(path);
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      section.fail(key, "a PEM file that can be read", `${show(path, MAX_PATH)} (${error.reason})`);
    }
  }
  return values;
}

/** What stands in place of a path may be the key itself, so that it is not shown. */
function checkPath(section: Section, key: string): undefined {
  const path = section.text(key);
  if (path === undefined || (path.length <= MAX_PATH && !/-----BEGIN|[\r\n]/.test(path))) return undefined;
  section.fail(key, `the path of a PEM file, of at most ${MAX_PATH} characters`, "another text (not shown)");
}

/** Of the two ways to name a failure policy, which must agree, one is left. */
function withOnePolicy(section: Section, values: Values): Values {
  const { failClosed, ...rest } = values;
  if (failClosed === undefined || rest["onStoreError"] === undefined) return values;
  const policies = FAILURE_OPTIONS.onStoreError.type as readonly string[];
  const agreeing = failClosed ? ["deny"] : policies.filter((policy) => policy !== "deny");
  if (!agreeing.includes(rest["onStoreError"] as string)) {
    section.fail("on_store_error", `${listWords(agreeing)}, as fail_closed = ${failClosed} says`);
  }
  return rest;
}
