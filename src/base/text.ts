/**
 * How values look in messages: short, on one line, and without credentials.
 *
 * @module
 */

/** What stands in a message where a secret was. */
export const HIDDEN = "[hidden]";

/** The most characters of a string that a message repeats. */
const MAX_SHOWN = 60;

/** Control, format and line-separating characters: they could break or disguise a log line. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * Prints a received value for a message: strings quoted and cut at 60 characters, numbers and booleans as they are,
 * everything else as its kind. Credentials inside a URL are hidden. Never throws.
 *
 * @param value What was received.
 * @param maxShown The most characters of a string that are repeated.
 * @returns A short text on one line.
 */
export function show(value: unknown, maxShown: number = MAX_SHOWN): string {
  switch (typeof value) {
    case "string":
      return showText(value, maxShown);
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
      return `${cut(String(value))}n`;
    case "boolean":
    case "undefined":
      return String(value);
    case "object":
      return kindOf(value);
    default:
      return `a ${typeof value}`;
  }
}

/**
 * Names the kind of a value without telling the value: for secrets of the wrong type.
 *
 * @param value What was received.
 * @returns `a string`, `an array of 3`, `null` ...
 */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) {
    return value.length === 0 ? "an empty array" : `an array of ${value.length}`;
  }
  if (value instanceof Date) return "a date";
  if (value instanceof Promise) return "a promise";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/**
 * Lists words for a message, quoted: `"memory" or "redis"`.
 *
 * @param words What to list; may be empty.
 * @param conjunction The word before the last one.
 * @returns The list, `none` if it is empty.
 */
export function listWords(words: readonly string[], conjunction: "or" | "and" = "or"): string {
  if (words.length === 0) return "none";
  const quoted = words.map((word) => show(word));
  const last = quoted.pop();
  return quoted.length === 0 ? `${last}` : `${quoted.join(", ")} ${conjunction} ${last}`;
}

function showText(text: string, maxShown: number): string {
  return JSON.stringify(cut(withoutCredentials(text), maxShown)).replace(UNPRINTABLE, escapeCharacter);
}

/** Hides `user:password@` of a URL. A password may hold any character, so everything up to the last `@` goes. */
function withoutCredentials(text: string): string {
  const start = text.indexOf("://");
  const end = text.lastIndexOf("@");
  return start === -1 || end < start ? text : `${text.slice(0, start + 3)}${HIDDEN}${text.slice(end)}`;
}

/** Cuts between code points, never inside one. */
function cut(text: string, maxShown: number = MAX_SHOWN): string {
  if (text.length <= maxShown) return text;
  const end = (text.codePointAt(maxShown - 2) ?? 0) > 0xffff ? maxShown - 2 : maxShown - 1;
  return `${text.slice(0, end)}…`;
}

function escapeCharacter(character: string): string {
  let escaped = "";
  for (let at = 0; at < character.length; at++) {
    escaped += `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`;
  }
  return escaped;
}
