/**
 * Lines of code without needless spaces.
 *
 * @module
 */

import { parseAst } from "rolldown/parseAst";
import { minify } from "rolldown/utils";

/** From this length on, a line is broken between the parts of a statement. */
const LONG = 120;

/** What is read of the syntax. */
interface Syntax {
  readonly type: string;
  readonly start: number;
}

/** Lists of parts between which a line may be broken. Behind each of them stands a comma. */
const PARTS = ["elements", "properties", "arguments", "declarations", "expressions", "params"] as const;

/**
 * Removes spaces and comments. Each statement and each member of a class begins a line, because what Node prints of an error
 * begins with the line that threw it.
 *
 * @param file The name of the file, for errors.
 * @param code The text of a CommonJS file.
 * @param isAside Of a file that no service runs: names of variables become short too, and statements share lines.
 */
export async function withoutSpaces(file: string, code: string, isAside: boolean): Promise<string> {
  const { code: short } = await minify(file, code, {
    compress: isAside && { keepNames: { function: true, class: true } },
    // Functions and classes are shown by their names, and the conformance suite looks at those of its own.
    mangle: isAside && { toplevel: true, keepNames: { function: true, class: true } },
    codegen: { removeWhitespace: true, legalComments: "none" },
  });
  const begin = /^#!.*\n/.exec(short)?.[0] ?? "";
  return begin + withLines(short.slice(begin.length), isAside);
}

/** Puts statements on lines of their own; of a file aside, only where a line would be long. */
function withLines(code: string, isAside: boolean): string {
  const firm = new Set<number>();
  const soft = new Set<number>();
  // The types of rolldown name neither this source type nor what a generic visit reads of a node.
  visit(parseAst(code, { sourceType: "commonjs" } as object) as unknown as Syntax, firm, soft);
  if (isAside) {
    for (const place of firm) soft.add(place);
    firm.clear();
  }
  const places = [...new Set([...firm, ...soft])].sort((a, b) => a - b);
  let text = "";
  let lineStart = 0;
  let last = 0;
  for (const [i, place] of places.entries()) {
    const next = places[i + 1] ?? code.length;
    const breaks = place > 0 && (firm.has(place) || next - lineStart > LONG);
    if (!breaks || code[place - 1] === "\n") continue;
    text += `${code.slice(last, place)}\n`;
    last = lineStart = place;
  }
  return `${(text + code.slice(last)).trimEnd()}\n`;
}

/** Finds where a line may begin: always (`firm`), or where it would be long (`soft`). */
function visit(node: unknown, firm: Set<number>, soft: Set<number>): void {
  if (Array.isArray(node)) return node.forEach((part) => visit(part, firm, soft));
  if (typeof node !== "object" || node === null) return;
  const parts = node as Readonly<Record<string, unknown>>;
  if (parts["type"] === "Program" || parts["type"] === "BlockStatement" || parts["type"] === "ClassBody") {
    for (const { start } of parts["body"] as Syntax[]) firm.add(start);
  }
  if (parts["type"] === "SwitchStatement") { for (const { start } of parts["cases"] as Syntax[]) firm.add(start); }
  if (parts["type"] !== "TemplateLiteral") {
    for (const name of PARTS) {
      const list = parts[name];
      if (Array.isArray(list)) {
        for (const part of list.slice(1) as (Syntax | null)[]) if (part) soft.add(part.start);
      }
    }
  }
  for (const value of Object.values(parts)) if (typeof value === "object") visit(value, firm, soft);
}
