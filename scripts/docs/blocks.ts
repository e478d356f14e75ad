/**
 * The code blocks of the pages for users, and the examples in doc comments.
 *
 * @module
 */

import { readdir, readFile } from "node:fs/promises";

/** One code block. */
export interface Block {
  /** The file, from the root of the repository. */
  readonly file: string;
  /** The line of the fence that opens it, from 1. */
  readonly line: number;
  /** The word behind that fence. */
  readonly language: string;
  /** What stands between the fences. */
  readonly code: string;
  /** Why the block cannot be run: `<!-- block skip: REASON -->` before it. */
  readonly skip: string | undefined;
  /** Code that makes the block complete: `<!-- block before: CODE -->` before it. */
  readonly before: string;
  /** Code that uses what the block defines: `<!-- block after: CODE -->` before it. */
  readonly after: string;
}

/** Languages that are run. Others show what something prints, or belong to no program of ours. */
const RUN: ReadonlySet<string> = new Set(["ts", "js", "toml", "sh"]);

const FENCED = /^((?:<!-- block [^\n]*-->\n+)*)```(\w+)(?: ignore)?\n(.*?)^```$/gms;
/** What must be found by that: a fence that is indented, or a comment that stands elsewhere, would be passed over. */
const OPENED = /^ *```(?:ts|js|toml|sh)(?: ignore)?$/gm;
const COMMENT = /<!-- block /g;
const DIRECTIVE = /<!-- block (?<kind>\w+): (?<text>.*?) -->/g;
const KINDS: readonly string[] = ["skip", "before", "after"];

/** All blocks that are run, or say why not. */
export async function readBlocks(): Promise<Block[]> {
  const pages = await readdir("docs", { recursive: true });
  const guides = pages.filter((name) => name.endsWith(".md")).sort().map((name) => `docs/${name}`);
  const sources = (await readdir("src", { recursive: true })).filter((name) => name.endsWith(".ts")).sort();
  const files = ["README.md", ...guides, "mod.ts", ...sources.map((name) => `src/${name}`)];
  const blocks: Block[] = [];
  for (const file of files) {
    const text = await readFile(file, "utf8");
    blocks.push(...blocksOf(file, file.endsWith(".ts") ? proseOf(text) : text));
  }
  return blocks;
}

/**
 * The blocks of one page.
 *
 * @throws {Error} If a comment before a block cannot be read.
 */
export function blocksOf(file: string, text: string): Block[] {
  const blocks: Block[] = [];
  let comments = 0;
  for (const match of text.matchAll(FENCED)) {
    const [, above = "", language = "", code = ""] = match;
    if (!RUN.has(language)) continue;
    const line = text.slice(0, match.index + above.length).split("\n").length;
    const said: Record<string, string> = {};
    for (const { groups: { kind = "", text = "" } = {} } of above.matchAll(DIRECTIVE)) {
      if (!KINDS.includes(kind)) throw new Error(`Cannot read ${file}:${line}: "block ${kind}" is none of ${KINDS}`);
      said[kind] = text;
      comments++;
    }
    const { skip, before = "", after = "" } = said;
    blocks.push({ file, line, language, code, skip, before, after });
  }
  if (blocks.length !== count(text, OPENED)) throw new Error(`Cannot read all code blocks of ${file}: one is indented`);
  if (comments !== count(text, COMMENT)) {
    throw new Error(`Cannot read all comments of ${file}: one is not above a code block`);
  }
  return blocks;
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

/** The doc comments of a module, without their stars; every other line is empty. */
function proseOf(text: string): string {
  let inside = false;
  return text.split("\n").map((line) => {
    if (/^\s*\/\*\*\s*$/.test(line)) inside = true;
    if (/\*\/\s*$/.test(line)) inside = false;
    return inside ? line.replace(/^\s*\* ?/, "") : "";
  }).join("\n");
}
