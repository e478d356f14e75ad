/**
 * The reference in `docs/reference/`: every export with its doc comment, an index, and the table of errors.
 *
 * @module
 */

import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { env } from "node:process";

import { run, tool } from "../../_process.ts";
import { TemporaryFolder } from "../../_temporary.ts";
import type { Manifests } from "../../package/manifests.ts";
import { type DocSymbol, readDocs } from "./deno_doc.ts";
import { PROGRAM } from "../../package/manifests.ts";
import { cell, code, docOf, literalsOf, table, withoutRange, withoutValues } from "./fields.ts";
import { type Entry, identity, layOut, type Page } from "./layout.ts";
import { Links } from "./links.ts";
import { headingOf, sectionOf } from "./section.ts";
import { throwersOf } from "./throwers.ts";

/** Where the pages are. */
const FOLDER = "docs/reference";

const MARK = "<!-- Written by `npm run reference` from the doc comments. Change those. -->";

/** The entry points, as the manifest names them. */
export async function readEntries({ name, exports }: Manifests["deno"]): Promise<Entry[]> {
  const libraries = Object.entries(exports).filter(([path]) => path !== PROGRAM);
  const docs = await readDocs(libraries.map(([, file]) => file));
  return libraries.map(([path], i) => ({
    name: name + path.slice(1),
    doc: docOf(docs[i]?.module_doc),
    symbols: docs[i]?.symbols ?? [],
  }));
}

/** The text of every page by its file, not formatted yet. */
export function writePages(entries: readonly Entry[]): Map<string, string> {
  const pages = layOut(entries);
  const links = new Links(pages);
  const texts = pages.map((page): [string, string] => [`${page.file}.md`, pageText(page, entries, links)]);
  return new Map([["README.md", indexText(pages, entries, links)], ...texts]);
}

/** Writes the pages anew, into `docs/reference/` or another folder, and formats them. */
export async function writeReference(manifest: Manifests["deno"], folder: string = FOLDER): Promise<void> {
  const pages = writePages(await readEntries(manifest));
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [file, text] of pages) await writeFile(join(folder, file), text);
  const { code, output } = await run(tool("deno"), ["fmt", "--quiet", "--config", "deno.json", folder], { env });
  if (code !== 0) throw new Error(`Cannot format the reference: ${output}`);
}

/** Which pages are not current, one line each. */
export async function referenceProblems(manifest: Manifests["deno"], folder: string = FOLDER): Promise<string[]> {
  using temporary = new TemporaryFolder("reference");
  const fresh = join(temporary.path, "reference");
  await writeReference(manifest, fresh);
  const files = new Set([...await readdir(fresh), ...await readdir(folder).catch(() => [])]);
  const entries = await readEntries(manifest);
  const problems = [...undescribed(entries)];
  for (const file of [...files].sort()) {
    const [wanted, found] = await Promise.all(
      [fresh, folder].map((where) => readFile(join(where, file), "utf8").catch(() => "")),
    );
    if (wanted !== found) problems.push(`${folder}/${file} is not current: run npm run reference`);
  }
  return problems;
}

function pageText(page: Page, entries: readonly Entry[], links: Links): string {
  const { title, intro, symbols } = page;
  const link = links.from(page);
  const sections = symbols.map((symbol) => {
    const names = entries.filter((entry) => entry.symbols.some((other) => identity(other) === identity(symbol)))
      .map(({ name }) => `\`${name}\``).join(", ");
    return `## ${headingOf(symbol)}\n\nExported by ${names}.\n\n${sectionOf(symbol, link.without(symbol))}`;
  });
  const thrown = page.file === "errors" ? [`## Who throws\n\n${throwersOf(entries, link)}`] : [];
  return `${[`# ${title}`, MARK, link(intro), ...sections, ...thrown].join("\n\n")}\n`;
}

function indexText(pages: readonly Page[], entries: readonly Entry[], links: Links): string {
  const rows = pages.map(({ file, title, intro }) => [`[${title}](${file}.md)`, cell(sentence(intro))]);
  const exports = entries.map(({ name, symbols }) => {
    const unique = [...new Map(symbols.map((symbol) => [symbol.name, symbol])).values()];
    const all = [...unique].sort((a, b) => a.name.localeCompare(b.name, "en")).map((symbol) => [
      links.to(symbol, code(headingOf(symbol))),
      symbol.declarations[0]?.kind === "typeAlias" ? "type" : symbol.declarations[0]?.kind ?? "",
      links.plain(cell(firstSentence(symbol))),
    ]);
    return `## \`${name}\`\n\n${table(["export", "kind", "what it is"], all)}`;
  });
  return `${
    [
      "# Reference",
      MARK,
      "Every export of every entry point, written from the doc comments of the source. The guides in [docs](../README.md) " +
      "tell how to use them.",
      table(["page", "describes"], rows),
      ...exports,
    ].join("\n\n")
  }\n`;
}

function firstSentence({ declarations }: DocSymbol): string {
  return sentence(withoutValues(docOf(declarations[0]?.jsDoc)));
}

function sentence(doc: string): string {
  const text = doc.split("\n\n")[0] ?? "";
  return /^.*?[.:](?=\s|$)/s.exec(text)?.[0].replace(/:$/, ".") ?? text;
}

/** What the doc comments leave out, one line each: what a value means, or which numbers an option takes. */
export function undescribed(entries: readonly Entry[]): string[] {
  const exports = new Map(entries.flatMap(({ symbols }) => symbols).map((symbol) => [identity(symbol), symbol]));
  return [...exports.values()].flatMap(({ name, declarations: [declaration] }) => {
    const doc = docOf(declaration?.jsDoc);
    const values = (literalsOf(declaration?.def.tsType) ?? []).filter((value) => !doc.includes(`- \`${value}\`: `));
    return [
      ...values.map((value) => `the doc comment of ${name} does not list the value ${value}`),
      ...withoutRange(name, declaration?.def.properties ?? []).map((option) =>
        `the doc comment of ${option} has no range`
      ),
    ];
  });
}
