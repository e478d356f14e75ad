/**
 * What `deno doc --json` tells of the exports: the part of its output that the reference uses.
 *
 * @module
 */

import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

import { run, tool } from "../../_process.ts";

/** One tag of a doc comment. */
export interface DocTag {
  /** `param`, `return`, `throws`, `example`, `default`; `unsupported` for a tag that `deno doc` cannot read. */
  readonly kind: string;
  /** The parameter of a `param`. */
  readonly name?: string;
  /** The text. */
  readonly doc?: string;
  /** The value of a `default`; the whole tag of an `unsupported`. */
  readonly value?: string;
  /** What a `throws` names. */
  readonly tsType?: DocType;
}

/** A doc comment. */
export interface JsDoc {
  readonly doc?: string;
  readonly tags?: readonly DocTag[];
}

/** A type. What `value` holds depends on `kind`. */
export interface DocType {
  readonly kind: string;
  readonly repr?: string;
  // deno-lint-ignore no-explicit-any -- each kind has another shape, and the reference reads a few of them
  readonly value?: any;
}

/** A parameter of a function. */
export interface DocParam {
  readonly kind: string;
  readonly name?: string;
  readonly optional?: boolean;
  readonly tsType?: DocType;
  /** Of a parameter with a default. */
  readonly left?: DocParam;
  /** Of a rest parameter. */
  readonly arg?: DocParam;
}

/** A type parameter. */
export interface DocTypeParam {
  readonly name: string;
  readonly constraint?: DocType;
  readonly default?: DocType;
}

/** A function without its name. */
export interface DocFunction {
  readonly params: readonly DocParam[];
  readonly returnType?: DocType;
  readonly typeParams?: readonly DocTypeParam[];
}

/** A member of a class, an interface or a type literal. A method of a class has its function in `functionDef`. */
export interface DocMember extends Partial<DocFunction> {
  readonly name: string;
  readonly kind?: string;
  readonly jsDoc?: JsDoc;
  readonly optional?: boolean;
  readonly isStatic?: boolean;
  readonly tsType?: DocType;
  readonly functionDef?: DocFunction;
}

/** What an export is. */
export interface DocDefinition extends Partial<DocFunction> {
  readonly tsType?: DocType;
  readonly properties?: readonly DocMember[];
  readonly methods?: readonly DocMember[];
  readonly constructors?: readonly DocMember[];
  /** Where a `reference` leads. */
  readonly target?: { readonly filename: string };
  /** Interfaces have types here, classes a name. */
  readonly extends?: readonly DocType[] | string;
}

/** One declaration of an export. */
export interface DocDeclaration {
  readonly kind: string;
  readonly location: { readonly filename: string };
  readonly jsDoc?: JsDoc;
  readonly def: DocDefinition;
}

/** An export. */
export interface DocSymbol {
  readonly name: string;
  readonly declarations: readonly DocDeclaration[];
}

/** An entry point. */
export interface DocEntry {
  readonly module_doc?: JsDoc;
  readonly symbols: readonly DocSymbol[];
}

/** Reads the doc comments of files. Resolves to one entry for each, in their order. */
export async function readDocs(files: readonly string[]): Promise<DocEntry[]> {
  const entries = await describe(files);
  // Of an export that several files have, `deno doc` only tells where it is defined.
  const elsewhere = new Set(entries.flatMap(({ symbols }) => symbols).map(targetOf).filter((url) => url !== undefined));
  const targets = [...elsewhere].map((url) => fileURLToPath(url));
  const described = await describe(targets);
  const definitions = new Map(targets.map((file, i) => [pathToFileURL(file).href, described[i]?.symbols ?? []]));
  return entries.map(({ symbols, ...entry }) => ({
    ...entry,
    symbols: symbols.map((symbol) => {
      const target = targetOf(symbol);
      return target && definitions.get(target)?.find(({ name }) => name === symbol.name) || symbol;
    }),
  }));
}

function targetOf({ declarations: [first] }: DocSymbol): string | undefined {
  return first?.kind === "reference" ? first.def.target?.filename : undefined;
}

async function describe(files: readonly string[]): Promise<DocEntry[]> {
  if (files.length === 0) return [];
  const { code, output } = await run(tool("deno"), ["doc", "--json", "--quiet", ...files], { env: process.env });
  if (code !== 0) throw new Error(`Cannot read the doc comments: ${output}`);
  const { nodes } = JSON.parse(output) as { nodes: Record<string, DocEntry> };
  return files.map((file) => nodes[pathToFileURL(file).href] as DocEntry);
}
