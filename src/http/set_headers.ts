/**
 * Sets headers on an answer on which other guards, or the application, may have set some before.
 *
 * @module
 */

import { EXPOSED, type HeaderPair } from "./header_pair.ts";

/** Where headers are set: a `Headers`, or a wrapper of another response. */
export interface HeaderTarget {
  /** The value that is there, if one is. */
  get(name: string): string | null | undefined;
  /** Sets a value in place of what is there. */
  set(name: string, value: string): void;
}

/** Reads and sets the headers of the answers of one framework. */
export interface HeaderAccess<Answer> {
  /** The value that is there, if one is. */
  get(answer: Answer, name: string): string | null | undefined;
  /** Sets a value in place of what is there. */
  set(answer: Answer, name: string, value: string): void;
}

const TARGET: HeaderAccess<HeaderTarget> = {
  get: (target, name) => target.get(name),
  set: (target, name, value) => target.set(name, value),
};

/**
 * Sets headers on an answer. Items of other guards stay in a list. Of two items with the same name one stays, so that
 * lists do not grow when an answer is sent again.
 */
export function setHeaders(headers: readonly HeaderPair[], target: HeaderTarget): void {
  setHeadersOf(target, headers, TARGET);
}

/** As `setHeaders`, on an answer that is no `HeaderTarget`. */
export function setHeadersOf<Answer>(
  answer: Answer,
  headers: readonly HeaderPair[],
  access: HeaderAccess<Answer>,
): void {
  for (let i = 0; i < headers.length; i++) {
    const [name, value] = headers[i] as HeaderPair;
    const before = isList(name) ? access.get(answer, name) : undefined;
    access.set(answer, name, before ? (name === EXPOSED ? joinNames : joinItems)(before, value) : value);
  }
}

/**
 * The names that most answers have, for what keeps names in lower case: it would make a new text of each for each answer.
 */
export function inLowerCase(name: string): string {
  if (name === "RateLimit") return "ratelimit";
  return name === "RateLimit-Policy" ? "ratelimit-policy" : name;
}

/** Whether several guards, or the application, add to a header. */
function isList(name: string): boolean {
  return name === "RateLimit" || name === "RateLimit-Policy" || name === EXPOSED;
}

/** What stands between commas: quoted text is one piece, whatever is in it. */
const ITEMS = /(?:"(?:[^"\\]|\\.)*"|[^",])+/g;

/**
 * Lists of structured fields. Of two items with the same name, the one with less left stays: it is what the next
 * request meets, whichever guard sets its headers last.
 */
function joinItems(before: string, value: string): string {
  const items = new Map(itemsOf(before).map((item) => [nameOf(item), item]));
  const isDictionary = items.has("remaining"); // of draft 7, which has room for one limit
  for (const item of itemsOf(value)) {
    const there = items.get(nameOf(item));
    if (isDictionary && nameOf(item) === "remaining" && leftOf(there) < leftOf(item)) return before;
    if (there === undefined || !(leftOf(there) < leftOf(item))) items.set(nameOf(item), item);
  }
  return isDictionary ? value : [...items.values()].join(", ");
}

/** `9` of `"api";r=9;t=60` and of `remaining=9`. */
function leftOf(item = ""): number {
  return Number(/(?:;\s*r|^remaining)=(\d+)/.exec(item)?.[1]);
}

function itemsOf(list: string): string[] {
  return Array.from(list.matchAll(ITEMS), ([item]) => item.trim()).filter((item) => item !== "");
}

/** `"api"` of `"api";r=9`, `limit` of `limit=10`. */
function nameOf(item: string): string {
  return /^(?:"(?:[^"\\]|\\.)*"|[^;=]*)/.exec(item)?.[0] ?? "";
}

/** Lists of names: those that are not there yet are added, nothing to a list that names all. */
function joinNames(before: string, value: string): string {
  const there = new Set(before.split(",").map((name) => name.trim().toLowerCase()));
  if (there.has("*")) return before;
  return [before, ...value.split(", ").filter((name) => !there.has(name.toLowerCase()))].join(", ");
}
