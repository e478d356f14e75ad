/**
 * Keys as this process keeps them: a long one is kept as its hash.
 *
 * Clients choose keys (a user name, a header). Kept as they are, long ones would fill memory, and V8 does not hash strings
 * of more than 16 383 characters: as keys of a map, all that have one length would collide.
 *
 * @module
 */

import { sha256Hex } from "./sha256.ts";

/** The most characters of a key that is kept as it is. */
export const MAX_PLAIN_KEY = 200;

/**
 * In front of a hash: together they are longer than any key that is kept as it is, so none of those can equal them. One for
 * keys that UTF-8 can tell apart, and one for those with lone surrogates, which are all the same to it.
 */
const TEXT = "~".repeat(MAX_PLAIN_KEY + 1 - 64);
const UNITS = "^".repeat(MAX_PLAIN_KEY + 1 - 64);

const encoder = new TextEncoder();
/** Where long keys are encoded, so that each leaves nothing to collect. As large as the largest so far needs. */
let room = new Uint8Array(0);

let lastKey: string | undefined;
let lastShort = "";

/** The key itself if it is short; else a text of 201 characters, which no other key has. */
export function shortKey<Key extends string | undefined>(key: Key): Key | string {
  return key === undefined || key.length <= MAX_PLAIN_KEY ? key : hashed(key);
}

/** The text that `shortKey` gives a long key, from the hash in it: 64 digits. */
export function keyOfHash(hex: string): string {
  return TEXT + hex;
}

/** The hash, 64 digits, in a text that `shortKey` gave a long key, or `keyOfHash`. More text may follow it. */
export function hashOfKey(short: string): string {
  return short.slice(TEXT.length, TEXT.length + 64);
}

/** One decision asks several times. */
function hashed(key: string): string {
  if (key === lastKey) return lastShort;
  lastShort = isText(key) ? TEXT + sha256Hex(encoded(key)) : UNITS + sha256Hex(unitsOf(key));
  lastKey = key;
  return lastShort;
}

function isText(key: string): boolean {
  return (key as { isWellFormed?(): boolean }).isWellFormed?.() ?? !/\p{Cs}/u.test(key);
}

function encoded(key: string): Uint8Array {
  const most = 3 * key.length;
  if (room.length < most) room = new Uint8Array(most);
  return room.subarray(0, encoder.encodeInto(key, room).written);
}

function unitsOf(key: string): Uint8Array {
  const units = new Uint16Array(key.length);
  for (let i = 0; i < key.length; i++) units[i] = key.charCodeAt(i);
  return new Uint8Array(units.buffer);
}
