/**
 * Text as a terminal shows it.
 *
 * @module
 */

/** Codes that give text a style, which take no room. */
// deno-lint-ignore no-control-regex -- the codes begin with a control character
const CODES = /\x1b\[[\d;]*m/g;

/** Characters that take the room of two. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

/** Characters that take no room. */
const NARROW = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** What could move the cursor, break a line, or show text in another order than it has. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Text from outside, such as a key, so that it cannot do anything to a terminal: `\u001b` for a control character. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) as number;
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** How many columns a text takes. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text.replace(CODES, "")) {
    width += WIDE.test(character) ? 2 : NARROW.test(character) ? 0 : 1;
  }
  return width;
}

/** Text that takes `width` columns at most; what was cut ends in `…`. Styles of a text that is cut are dropped. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let cut = "";
  let used = 0;
  for (const character of text.replace(CODES, "")) {
    used += widthOf(character);
    if (used > width - 1) break;
    cut += character;
  }
  return width < 1 ? "" : `${cut}…`;
}

/** Adds spaces, so that a text takes `width` columns. */
export function padTo(text: string, width: number, side: "left" | "right" = "left"): string {
  const spaces = " ".repeat(Math.max(width - widthOf(text), 0));
  return side === "left" ? text + spaces : spaces + text;
}

/** Breaks a paragraph into lines of `width` columns at most. Words that are longer stay whole. */
export function wrap(paragraph: string, width: number, indent = ""): string {
  const lines: string[] = [];
  let line = "";
  for (const word of paragraph.split(/\s+/).filter((part) => part !== "")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && widthOf(indent + longer) > width) {
      lines.push(indent + line);
      line = word;
    } else {
      line = longer;
    }
  }
  lines.push(indent + line);
  return lines.join("\n");
}
