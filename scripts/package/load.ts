/**
 * What importing an entry of the npm package loads, and how much that is.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { parseAst } from "rolldown/parseAst";
import { minify } from "rolldown/utils";

/** The most that the main entry may load, minified and gzipped, in bytes. */
const MAX_BYTES = 18_000;

/** What importing a file loads before anything runs. */
export interface Load {
  /** The text of the files, by path. */
  readonly files: ReadonlyMap<string, string>;
  /** What is not a file of the package: drivers and modules of the runtime. */
  readonly foreign: readonly string[];
}

/** Follows the static imports of a file of JavaScript, and the calls of `require` at its top level, but not into `late`. */
export async function loadOf(entry: string, late: readonly string[] = []): Promise<Load> {
  const files = new Map<string, string>();
  const foreign = new Set<string>();
  const paths = new Set([entry]); // in order of discovery, while it grows
  for (const path of paths) {
    if (late.includes(path)) continue;
    const text = await readFile(path, "utf8");
    files.set(path, text);
    for (const specifier of staticImportsOf(text)) {
      if (specifier.startsWith(".")) paths.add(join(path, "..", specifier));
      else foreign.add(specifier);
    }
  }
  return { files, foreign: [...foreign] };
}

/** The size of what is loaded, as a user's minifier leaves it, gzipped as one, in bytes. */
export async function minifiedBytes({ files }: Load): Promise<number> {
  const options = { compress: true, mangle: { toplevel: true } } as const;
  const minified = await Promise.all(Array.from(files, ([path, text]) => minify(path, text, options)));
  return gzipSync(minified.map(({ code }) => code).join("")).length;
}

/** What the main entry of the package loads that it must not, and how far it is too large; one line each. */
export async function mainEntryProblems(entry: string, maxBytes: number = MAX_BYTES): Promise<string[]> {
  const load = await loadOf(entry);
  const problems = load.foreign.map((specifier) => `the main entry loads ${specifier}`);
  const bytes = await minifiedBytes(load);
  if (bytes > maxBytes) {
    problems.push(`the main entry loads ${bytes} bytes minified and gzipped, more than ${maxBytes}`);
  }
  return problems;
}

/** What is read of the syntax of a file. */
interface Syntax {
  readonly type: string;
  readonly source?: { readonly value: string } | null;
  readonly expression?: Syntax;
  readonly declarations?: readonly { readonly init: Syntax | null }[];
  readonly callee?: { readonly name?: string };
  readonly arguments?: readonly { readonly value?: unknown }[];
}

function staticImportsOf(text: string): string[] {
  return (parseAst(text).body as readonly Syntax[]).flatMap((statement) => {
    if (statement.source) return [statement.source.value];
    const calls = [statement.expression, ...statement.declarations?.map(({ init }) => init) ?? []];
    return calls.flatMap((call) => {
      const [specifier] = call?.arguments ?? [];
      return call?.callee?.name === "require" && typeof specifier?.value === "string" ? [specifier.value] : [];
    });
  });
}
