/**
 * The declarations that npm publishes: those that the entries reach, as declarations of CommonJS. The declaration of an
 * ES module exports all of its CommonJS one, so a type is the same type for `import` and for `require`.
 *
 * @module
 */

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path/posix";

import type { Manifests } from "./manifests.ts";
import { reachable } from "./reachable.ts";

const FOLDER = "dist/types";

/** Where relative specifiers stand: `from "./x.ts"`, `import "./x.ts"` and `import("./x.ts")`. */
const SPECIFIER = /(?<=\b(?:from |import |import\())"(\.[^"]*)\.ts"/g;

/** What a module is for: users read that of the entries. */
const MODULE_COMMENT = /^\/\*\*(?:(?!\*\/)[^])*@module\s*\*\/\n/;

/** Where a declaration of a module begins, or the comment in front of one. */
const DECLARATIONS = /^(?=\/\*\*|export |declare )/m;

/** The name that a declaration makes. */
const DECLARED = /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|function|const|let|enum) (\w+)/;

/** A comment for readers, with the line that it leaves empty. */
const COMMENT = /[ \t]*\/\*\*[^]*?\*\/\n?/g;

/** Types of `fetch` that not every project declares; see below. */
const FETCH_TYPES = /\b(?:Request|RequestInit)\b/;

/**
 * Names that come from the runtime's types. An empty interface adds nothing where the project has them (the DOM,
 * `@types/node`, Bun, Deno, workers), and makes the name known where it has not.
 */
const GLOBALS = `/// <reference lib="es2022.error" />
/// <reference lib="esnext.disposable" />
interface AbortSignal {}
interface Headers {}
interface Response {}
interface URL {}
`;

/** As above, for names that have type parameters in the types of some runtimes, so that interfaces would not merge. */
const FETCH_DECLARATION = `type Global = typeof globalThis;
export type Request = Global extends { Request: { prototype: infer Type } } ? Type : { readonly url: string };
export type RequestInit = Global extends { fetch: (input: any, init?: infer Type) => any } ? NonNullable<Type> : {};
`;

/** Writes to dist/types/ the declarations that `tsc` has made of the entries, and what these need. */
export async function writeDeclarations(exports: Manifests["npm"]["exports"]): Promise<void> {
  await rm(FOLDER, { recursive: true, force: true });
  await write("globals.d.ts", GLOBALS);
  await write("fetch.d.cts", FETCH_DECLARATION);
  const entries = Object.values(exports).map(({ require: { types } }) =>
    relative(FOLDER, types).replace(/\.d\.cts$/, "")
  );
  const modules = new Set(entries); // in order of discovery, while it grows
  const names = new Set<string>();
  for (const entry of entries) {
    for (const name of exportedBy(await readFile(`dist/${entry}.d.ts`, "utf8"))) names.add(name);
  }
  const texts = new Map<string, string>();
  for (const module of modules) {
    const text = await readFile(`dist/${module}.d.ts`, "utf8");
    for (const [, specifier = ""] of text.matchAll(SPECIFIER)) modules.add(join(module, "..", specifier));
    texts.set(module, text.replace(/^\/\/#.*\n?/gm, ""));
  }
  for (const [module, text] of reachable(texts, entries)) {
    const published = entries.includes(module) ? text : commentedFor(names, text.replace(MODULE_COMMENT, ""));
    const code = published.replace(SPECIFIER, '"$1.cjs"').replace(
      /^(?: {4})+/gm,
      (indent) => "\t".repeat(indent.length / 4),
    );
    await write(`${module}.d.cts`, head(module, text, entries.includes(module)) + code);
  }
  for (const entry of entries) await write(`${entry}.d.ts`, `export * from "./${entry.split("/").at(-1)}.cjs";\n`);
}

/** The names that an entry exports from other modules. */
function exportedBy(entry: string): string[] {
  const lists = entry.replace(COMMENT, "").matchAll(/\bexport (?:type )?\{([^}]*)\}/g);
  return Array.from(lists, ([, list = ""]) => list.split(",").flatMap((name) => name.match(/\w+/g) ?? [])).flat();
}

/** The declarations of a module. Users read the comments of what some entry exports, and never those of other names. */
function commentedFor(names: ReadonlySet<string>, text: string): string {
  const parts = text.split(DECLARATIONS);
  const isHidden = (part = "") => {
    const [, name] = DECLARED.exec(part) ?? [];
    return name !== undefined && !names.has(name);
  };
  return parts.map((part, i) => {
    if (part.startsWith("/**") && isHidden(parts[i + 1])) return "";
    return isHidden(part) ? part.replace(COMMENT, "") : part;
  }).join("");
}

/**
 * What makes the names known that a declaration takes from the runtime's types. Users reach every module by way of an
 * entry, so the reference to the global ones stands in entries alone.
 */
function head(module: string, text: string, isEntry: boolean): string {
  const root = relative(dirname(module), ".") || ".";
  const globals = isEntry ? `/// <reference path="${root}/globals.d.ts" />\n` : "";
  const code = text.replace(/\/\*[^]*?\*\//g, "");
  const names = ["Request", "RequestInit"].filter((name) => new RegExp(`\\b${name}\\b`).test(code));
  if (!FETCH_TYPES.test(code)) return globals;
  return `${globals}import type { ${names.join(", ")} } from "${
    root.startsWith(".") ? root : `./${root}`
  }/fetch.cjs";\n`;
}

async function write(name: string, text: string): Promise<void> {
  const file = join(FOLDER, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}
