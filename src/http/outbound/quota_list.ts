/**
 * The `RateLimit` field of draft-ietf-httpapi-ratelimit-headers in its forms: a list of named quotas since draft 8, one
 * dictionary before.
 *
 * Two numbers are wanted, from servers that write names as strings and as tokens, parameters by their names of today and
 * of tomorrow: so this is more tolerant than a parser of structured fields, and reads no more than it needs.
 *
 * @module
 */

import type { Quota } from "./quota.ts";

/** What stands between separators: quoted text is one piece, whatever is in it. */
const MEMBERS = /(?:"(?:[^"\\]|\\.)*"|[^",])+/g;
const PARAMETERS = /(?:"(?:[^"\\]|\\.)*"|[^";])+/g;
/** A quotation; where its end is missing, it takes in all the rest, and its only group is empty. */
const QUOTED = /"(?:[^"\\]|\\.|\\$)*("|$)/gs;
const WHOLE_NUMBER = /^\d{1,15}$/;

/** Reads the quotas of a `RateLimit` field. A malformed one is left out; all are, where a quotation does not end. */
export function readQuotaList(text: string): Quota[] {
  for (const [, end] of text.matchAll(QUOTED)) if (end === "") return [];
  const members = split(text, MEMBERS);
  const old = readDictionary(members);
  if (old !== undefined) return [old];
  return members.flatMap((member) => readItem(member) ?? []);
}

/** `"default";r=50;t=30`, or with `a` and `w` as a later draft will have it. */
function readItem(member: string): Quota | undefined {
  const [name = "", ...rest] = split(member, PARAMETERS);
  if (!/^(?:"(?:[^"\\]|\\.)*"|[A-Za-z*][^\s"=]*)$/.test(name)) return undefined;
  const parameters = new Map(rest.map(pair));
  const remaining = wholeNumber(parameters.get("r") ?? parameters.get("a"));
  if (remaining === undefined) return undefined;
  const seconds = wholeNumber(parameters.get("t") ?? parameters.get("w"));
  return { name: `ratelimit ${name}`, remaining, resetMs: seconds === undefined ? undefined : seconds * 1_000 };
}

/** `limit=100, remaining=50, reset=30`. */
function readDictionary(members: readonly string[]): Quota | undefined {
  const entries = new Map(members.map(pair));
  const remaining = wholeNumber(entries.get("remaining"));
  const seconds = wholeNumber(entries.get("reset"));
  if (remaining === undefined && seconds === undefined) return undefined;
  return { name: "ratelimit", remaining, resetMs: seconds === undefined ? undefined : seconds * 1_000 };
}

function split(text: string, pieces: RegExp): string[] {
  return Array.from(text.matchAll(pieces), ([piece]) => piece.trim()).filter((piece) => piece !== "");
}

function pair(text: string): [name: string, value: string] {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && WHOLE_NUMBER.test(text) ? Number(text) : undefined;
}
