/**
 * How limiters and keys are named in Redis.
 *
 * `{prefix}:{limiter}` or `{prefix}:{limiter}:{key}` is the main key; other keys of the same target wrap the whole
 * main key in a hash tag, `{main}:leases`, so that a cluster keeps them together. Whatever could be mistaken there
 * (braces, control characters, a colon inside a limiter's id) is written as `%` and its hex code.
 *
 * @module
 */

import type { Target } from "../store.ts";

/** Past this many characters a part of a key is replaced by its hash. */
const MAX_PART = 200;

/** What may not stand in any part: braces (hash tags), `%` and `~` (our own marks), control characters. */
// deno-lint-ignore no-control-regex -- control characters are what it is for
const UNSAFE = /[{}%~\u0000-\u001f\u007f]|[\ud800-\udfff]/gu;

/** In a limiter's id, a colon as well: it ends the id. */
// deno-lint-ignore no-control-regex -- control characters are what it is for
const UNSAFE_ID = /[{}%~:\u0000-\u001f\u007f]|[\ud800-\udfff]/gu;

/** Names the keys of targets, under one prefix. */
export class KeyNames {
  readonly #prefix: string;

  /**
   * Makes one.
   *
   * @param prefix What every key begins with.
   */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The prefix that all keys of the store share, with its colon. */
  get common(): string {
    return `${this.#prefix}:`;
  }

  /** What channels of the store begin with; the instance follows. */
  get channel(): string {
    return `${this.#prefix}:wake:`;
  }

  /** The keys that a script needs for a target, in the order in which it reads them. */
  async of(target: Target): Promise<string[]> {
    const id = await part(target.limiter, UNSAFE_ID);
    const main = target.key === undefined
      ? `${this.#prefix}:${id}`
      : `${this.#prefix}:${id}:${await part(target.key, UNSAFE)}`;
    const keys = [main];
    const { rates, maxConcurrent } = target.policy;
    if (rates.length > 1) {
      rates.forEach((rate, i) => {
        if (rate.algorithm === "sliding_window") keys.push(`{${main}}:window:${i}`);
      });
    }
    if (maxConcurrent > 0) keys.push(`{${main}}:leases`, `{${main}}:waiters`);
    return keys;
  }
}

/** One part of a key: different texts always give different parts. */
async function part(text: string, unsafe: RegExp): Promise<string> {
  const safe = text.replace(unsafe, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, "0")}.`);
  if (safe.length <= MAX_PART) return safe;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(safe)));
  return `~${Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
