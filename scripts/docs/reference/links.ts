/**
 * Links between the pages of the reference: a type or class that is named in code leads to its section.
 *
 * @module
 */

import type { DocSymbol } from "./deno_doc.ts";
import { functionOf } from "./types.ts";
import type { Page } from "./layout.ts";
import { headingOf } from "./section.ts";

/** Makes links of the names in a text that stands on a page. */
export interface PageLink {
  (text: string): string;
  /** The same, but for the section of an export, which does not link to itself. */
  without(symbol: DocSymbol): (text: string) => string;
}

/** An export and its page. */
interface Place {
  readonly symbol: DocSymbol;
  readonly file: string;
}

/** Something in code, not in a link yet. */
const CODE = /(?<!\[)`([^`\n]+)`(?!\])/g;

/** A name in it: `Limiter`, `Limiter.acquire()`. */
const NAME = /(?<![\w."'-])([A-Z]\w*)(?:\.(\w+))?/g;

/** Names of exports that are also those of HTTP headers. */
const HEADERS: readonly string[] = ["RateLimit"];

/** Where each export stands. */
export class Links {
  readonly #places = new Map<DocSymbol, string>();
  readonly #byName = new Map<string, Place[]>();

  constructor(pages: readonly Page[]) {
    for (const { file, symbols } of pages) {
      for (const symbol of symbols) {
        this.#places.set(symbol, file);
        this.#byName.set(symbol.name, [...this.#byName.get(symbol.name) ?? [], { symbol, file }]);
      }
    }
  }

  /** A link from the index to an export. */
  to(symbol: DocSymbol, text: string): string {
    const place = this.#places.get(symbol) ?? this.#byName.get(symbol.name)?.[0]?.file;
    return `[${text}](${place}.md#${anchor(headingOf(symbol))})`;
  }

  /** Links in a text of the index. */
  plain(text: string): string {
    return this.#link(text, undefined, undefined);
  }

  /** Links in the texts of a page. */
  from(page: Page): PageLink {
    const link = (text: string) => this.#link(text, page, undefined);
    return Object.assign(link, { without: (symbol: DocSymbol) => (text: string) => this.#link(text, page, symbol) });
  }

  #link(text: string, page: Page | undefined, self: DocSymbol | undefined): string {
    return text.replace(CODE, (code, inner: string) => {
      const targets = new Set<string>();
      for (const [, name = "", member] of inner.matchAll(NAME)) {
        const found = HEADERS.includes(name) ? undefined : this.#find(name, page);
        if (found === undefined || (found.symbol === self && member === undefined)) continue;
        const heading = member === undefined ? headingOf(found.symbol) : memberHeading(found.symbol, member);
        targets.add(`${found.file === page?.file ? "" : `${found.file}.md`}#${anchor(heading)}`);
      }
      const [target] = targets;
      return targets.size === 1 ? `[${code}](${target})` : code;
    });
  }

  /** The export that a name means on a page: its own, else the only one of that name. */
  #find(name: string, page: Page | undefined): Place | undefined {
    const all = this.#byName.get(name) ?? [];
    return all.find(({ file }) => file === page?.file) ?? (all.length === 1 ? all[0] : undefined);
  }
}

function memberHeading(symbol: DocSymbol, member: string): string {
  const methods = symbol.declarations.flatMap(({ def }) => def.methods ?? []);
  const isMethod = methods.some((method) => method.name === member && functionOf(method) !== undefined);
  return isMethod ? `${symbol.name}.${member}()` : headingOf(symbol);
}

/** The anchor that GitHub makes of a heading. */
function anchor(heading: string): string {
  return heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
}
