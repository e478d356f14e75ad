/**
 * The format of Lua files is StyLua's, as `deno fmt` is that of the others.
 *
 * @module
 */

import { readFile, writeFile } from "node:fs/promises";

import { CollapseSimpleStatement, Config, formatCode, IndentType, OutputVerification } from "@johnnymorganz/stylua";

import { luaFiles } from "./scripts.ts";

/** The files that are not formatted, one line each. */
export async function luaFormatProblems(): Promise<string[]> {
  const problems = [];
  for (const file of await luaFiles()) {
    const text = await readFile(file, "utf8");
    if (formatLua(text) !== text) problems.push(`${file}: not formatted: run npm run fmt`);
  }
  return problems;
}

/** Formats the files in place. */
export async function formatLuaFiles(): Promise<void> {
  for (const file of await luaFiles()) await writeFile(file, formatLua(await readFile(file, "utf8")));
}

/** `text` as StyLua writes it. */
export function formatLua(text: string): string {
  const config = Config.new();
  config.indent_type = IndentType.Spaces;
  config.indent_width = 2;
  config.column_width = 120;
  config.collapse_simple_statement = CollapseSimpleStatement.ConditionalOnly;
  return formatCode(text, config, undefined, OutputVerification.None);
}
