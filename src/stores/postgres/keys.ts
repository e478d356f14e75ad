/**
 * The names of rows. Different keys of different limiters never share one.
 *
 * @module
 */

import { sha256Hex } from "../../base/sha256.ts";
import { hashOfKey, keyOfHash, MAX_PLAIN_KEY, shortKey } from "../../base/short_key.ts";
import type { StoredKey, Target } from "../store.ts";

/** What a name of a hash begins with; no other one does. */
const HASH = "~";
const HASH_OF_UNITS = "^";

/** A character that no name has: it stands between names where there are many. */
export const KEY_SEPARATOR = "\x7f";

/** What a text of PostgreSQL cannot hold, and what has a meaning here. */
const ODD = /[\0\x7f%]|\p{Cs}/gu;
const ODD_LIMITER = /[\0\x7f%:]|\p{Cs}/gu;

/** The longest part of a name that is not a hash, in characters. */
const MAX_PART = 400;

/** The name of the row of a target. */
export function rowName({ limiter, key, isHash }: Pick<Target, "limiter" | "key" | "isHash">): string {
  const id = part(shortKey(limiter), limiter.length > MAX_PLAIN_KEY, ODD_LIMITER);
  if (key === undefined) return id;
  return `${id}:${part(isHash ? key : shortKey(key), isHash === true || key.length > MAX_PLAIN_KEY, ODD)}`;
}

/** The key of a name, from what stands behind the limiter and a colon. */
export function keyOfRow(part: string): StoredKey {
  if (part.startsWith(HASH)) return { key: keyOfHash(part.slice(1)), isHash: true };
  if (part.startsWith(HASH_OF_UNITS)) return { key: keyOfUnitsHash(part.slice(1)), isHash: true };
  return { key: part.replace(/%([0-9a-f]+)\./g, (_, hex) => String.fromCharCode(parseInt(hex, 16))), isHash: false };
}

function part(short: string, isHash: boolean, odd: RegExp): string {
  if (isHash) return (short.startsWith("^") ? HASH_OF_UNITS : HASH) + hashOfKey(short);
  const first = short.charAt(0);
  const isMarked = first === HASH || first === HASH_OF_UNITS;
  if (!isMarked && !hasOdd(short, odd)) return short;
  const rest = (isMarked ? short.slice(1) : short).replace(odd, code);
  const text = isMarked ? code(first) + rest : rest;
  return text.length <= MAX_PART ? text : HASH + sha256Hex(new TextEncoder().encode(text));
}

function hasOdd(text: string, odd: RegExp): boolean {
  odd.lastIndex = 0;
  return odd.test(text);
}

function code(character: string): string {
  return `%${character.charCodeAt(0).toString(16)}.`;
}

function keyOfUnitsHash(hex: string): string {
  return keyOfHash(hex).replaceAll("~", "^");
}
