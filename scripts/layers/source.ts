/**
 * What a TypeScript file imports and mentions, read from its text. Enough for formatted code; not a parser.
 *
 * @module
 */

import { join } from "node:path/posix";

/** One import, or export from elsewhere. */
export interface Import {
  /** What stands between the quotes. */
  readonly specifier: string;
  /** `type` leaves no trace at run time, `dynamic` is loaded when it is reached, `static` before anything runs. */
  readonly kind: "static" | "dynamic" | "type";
}

const STATIC = /^(?:import|export)\s(?:(type\s)?[^"';]*?\sfrom\s*)?"([^"]+)"/gm;
const DYNAMIC = /\bimport\(\s*"([^"]+)"/g;

/** The imports of a file, without those in comments. */
export function importsOf(text: string): Import[] {
  const code = withoutComments(text);
  const found: Import[] = [];
  for (const [, type, specifier = ""] of code.matchAll(STATIC)) {
    found.push({ specifier, kind: type ? "type" : "static" });
  }
  for (const [, specifier = ""] of code.matchAll(DYNAMIC)) found.push({ specifier, kind: "dynamic" });
  return found;
}

/** The path of a relative import; `undefined` for a package or a module of the runtime. */
export function resolveImport(from: string, { specifier }: Import): string | undefined {
  return specifier.startsWith(".") ? join(from, "..", specifier) : undefined;
}

// A comment, a string, a template (with templates in its expressions), or a regular expression where one can begin.
const COMMENT = /\/\/[^\n]*|\/\*[^]*?\*\//;
const QUOTED = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/;
const TEMPLATE = /`(?:[^`\\$]|\\[^]|\$(?!\{)|\$\{(?:[^{}`]|`[^`]*`|\{[^{}]*\})*\})*`/;
const PATTERN =
  /(?<=[(,=:[!&|?{};\n]\s*)\/(?:[^/\\\n[*]|\\.|\[(?:[^\]\\\n]|\\.)*\])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])*\//;
const TOKENS = new RegExp([COMMENT, QUOTED, TEMPLATE, PATTERN].map(({ source }) => source).join("|"), "g");

/** The text with comments blanked out, line by line as long as before. */
export function withoutComments(text: string): string {
  return text.replace(TOKENS, (token) => /^\/[/*]/.test(token) ? blank(token) : token);
}

/** The text with comments and quoted text blanked out. Templates stay, for the code in them. */
export function withoutText(text: string): string {
  return text.replace(TOKENS, (token) => token.startsWith("`") ? token : blank(token));
}

function blank(token: string): string {
  return token.replace(/[^\n]/g, " ");
}
