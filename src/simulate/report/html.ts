/**
 * Text of HTML, in which texts from outside are only text.
 *
 * @module
 */

/** Text that is HTML already. */
export class Html {
  /** The HTML. */
  readonly text: string;

  /**
   * @param text The HTML.
   */
  constructor(text: string) {
    this.text = text;
  }
}

/** What a template may hold: text, which is escaped, HTML, and lists of both. */
export type Content = string | number | Html | readonly Content[];

/** Makes HTML of a template. Everything in it that is not HTML already is escaped. */
export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Html {
  return new Html(parts.map((part, i) => part + (i < contents.length ? written(contents[i] as Content) : "")).join(""));
}

function written(content: Content): string {
  if (content instanceof Html) return content.text;
  if (typeof content === "object") return content.map(written).join("");
  return escaped(String(content));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Control characters, and those that change the direction of text, are shown by their numbers. */
// deno-lint-ignore no-control-regex -- these are what must not come into the page
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\p{Cs}/gu;

function escaped(text: string): string {
  return text.replace(UNPRINTABLE, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .replace(/[&<>"']/g, (one) => ENTITIES[one] as string);
}
