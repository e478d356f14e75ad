/**
 * How limiters and keys are named in Redis.
 *
 * `{prefix}:{limiter}` or `{prefix}:{limiter}:{key}` is the main key; other keys of the same target wrap the whole
 * main key in a hash tag, `{main}:leases`, so that a cluster keeps them together. Whatever could be mistaken there
 * (braces, control characters, a colon inside a limiter's id) is written as `%` and its hex code. Behind a prefix that has a
 * colon itself stands `:~`, so `app:eu` and `app` share no key, and `SCAN` finds all keys of both by `{prefix}:*`.
 *
 * With key shards, keys lie in few cluster slots: `{prefix:~3}:limiter:key`, and `{prefix:~3}~leases:limiter:key`. The
 * number is one of the key, not of the limiter, so that limiters with as many shards keep a key in one slot.
 *
 * @module
 */

import { algorithmOf } from "../../algorithms/mod.ts";
import { hashOfKey } from "../../base/short_key.ts";
import { sha256Hex } from "../../base/sha256.ts";
import type { Target } from "../store.ts";
import { crc16 } from "./hash_slot.ts";

/** Past this many characters a part of a key is replaced by its hash. */
const MAX_PART = 200;

/** What may not stand in any part: braces (hash tags), `%` and `~` (our own marks), control characters. */
// deno-lint-ignore no-control-regex -- control characters are what it is for
const UNSAFE = /[{}%~\u0000-\u001f\u007f]|[\ud800-\udfff]/gu;

/** In a limiter's id, a colon as well: it ends the id. */
// deno-lint-ignore no-control-regex -- control characters are what it is for
const UNSAFE_ID = /[{}%~:\u0000-\u001f\u007f]|[\ud800-\udfff]/gu;

/** Ends a prefix that has a colon. No limiter or key can hold it: they have no `~` but one in front of a hash. */
const NESTED = ":~";

/** Stands in front of a limiter in the name of its register. In an id, `%` is written as a hex code. */
const REGISTER = "%rules:";

/** The list of messages for a process that cannot be called begins so. */
const INBOX = "wake:%";

/** Tells most keys, which may stay as they are, from those to look at closely. Any surrogate looks suspicious to it. */
// deno-lint-ignore no-control-regex -- control characters are what it is for
const SUSPICIOUS = /[{}%~\u0000-\u001f\u007f\ud800-\udfff]/;

/** How many limiters' names are remembered. */
const MAX_LIMITERS = 1_000;

/** Names the keys of targets, under one prefix. */
export class KeyNames {
  /** The prefix that all keys of the store share, with its colon. */
  readonly common: string;
  /** What channels of the store begin with; the instance follows. */
  readonly channel: string;
  readonly #prefix: string;
  /** What the keys of a limiter begin with. */
  readonly #limiters = new Map<string, string>();
  /** The last long key, and what stands for it. */
  #longKey = "";
  #longKeyPart = "";

  /**
   * @param prefix What every key begins with.
   */
  constructor(prefix: string) {
    // Else "app" with limiter "eu" and key "x" would be "app:eu" with limiter "x".
    this.#prefix = escape(prefix, UNSAFE) + (prefix.includes(":") ? NESTED : "");
    this.common = `${this.#prefix}:`;
    this.channel = `${this.common}wake:`;
  }

  /** Where the rules that are in use for a limiter are registered. No key of a target is called so. */
  register(limiter: string): string {
    return `${this.common}${REGISTER}${this.limiterPart(limiter)}`;
  }

  /** What stands for a limiter in the names of keys. */
  limiterPart(limiter: string): string {
    return hashLong(escape(limiter, UNSAFE_ID));
  }

  /** What stands for the limiter in the name of a key of this store; undefined in a key that belongs to none. */
  limiterIn(key: string): string | undefined {
    const name = key.startsWith("{") ? key.slice(1) : key;
    if (!name.startsWith(this.common)) return undefined;
    const rest = name.slice(this.common.length);
    // Key shards: what stands in the braces is a number.
    const [, shardless = rest] = /^~\d+\}(?:~window:\d+|~[a-z]+)?:(.*)$/s.exec(rest) ?? [];
    const [part = ""] = shardless.split(/[:}]/, 1);
    const isOther = part.startsWith("%") || rest.startsWith(INBOX);
    return isOther ? undefined : part;
  }

  /** What keys of targets of a limiter begin with, where they have no shards; a colon and the key follow. */
  beginOf(limiter: string): string {
    const known = this.#limiters.get(limiter);
    if (known !== undefined) return known;
    const begin = `${this.#prefix}:${this.limiterPart(limiter)}`;
    if (this.#limiters.size >= MAX_LIMITERS) this.#limiters.clear();
    this.#limiters.set(limiter, begin);
    return begin;
  }

  /** What all keys begin with where they have shards; a number follows. */
  get shards(): string {
    return `{${this.#prefix}:~`;
  }

  /** The keys of logs at places of a limiter with several limits. */
  logsOf(target: Target, places: readonly number[]): string[] {
    const main = this.#main(target);
    return places.map((place) => auxiliaryKey(main, target, `window:${place}`));
  }

  /** The leases of a target whose own rules have no permits: a reset also ends those that other rules have granted. */
  leasesBeside(target: Target): string[] {
    return target.policy.maxConcurrent > 0 ? [] : [auxiliaryKey(this.#main(target), target, "leases")];
  }

  /** The keys that a script needs for a target, in the order in which it reads them. */
  of(target: Target): string[] {
    return this.keysOf([target]);
  }

  /** The same for several targets. */
  keysOf(targets: readonly Target[]): string[] {
    if (targets.length === 1) {
      const [target] = targets as [Target];
      const main = this.#main(target);
      if (target.policy.rates.length <= 1 && target.policy.maxConcurrent === 0) return [main];
    }
    const keys: string[] = [];
    for (const target of targets) {
      const main = this.#main(target);
      addKeys(keys, main, target);
    }
    return keys;
  }

  #main(target: Target): string {
    const { limiter, key, policy } = target;
    const begin = this.#limiters.get(limiter) ?? this.beginOf(limiter);
    let main = begin;
    if (key !== undefined) {
      // Most keys stand as they are.
      const isPlain = key.length <= MAX_PART && !SUSPICIOUS.test(key);
      main = `${begin}:${isPlain ? key : this.#partOf(key, target)}`;
    }
    return policy.keyShards === 0 ? main : this.#sharded(main, target);
  }

  #sharded(main: string, { key = "", policy: { keyShards }, isHash }: Target): string {
    if (keyShards === 0) return main;
    // The number is one of the key, which is not known of a hash: what was listed holds it.
    const shard = isHash ? key.slice(key.lastIndexOf(":") + 1) : crc16(key) % keyShards;
    return `{${this.#prefix}:~${shard}}${main.slice(this.#prefix.length)}`;
  }

  /** Several requests in a row are about one key. */
  #partOf(key: string, { isHash }: Target): string {
    if (key.length <= MAX_PART) return partOf(key);
    if (isHash) return `~${hashOfKey(key)}`;
    if (key !== this.#longKey) [this.#longKey, this.#longKeyPart] = [key, partOf(key)];
    return this.#longKeyPart;
  }
}

/** Whether a key that begins with the `common` prefix of a store is one of its registers. */
export function isRegister(key: string, common: string): boolean {
  return key.startsWith(REGISTER, common.length);
}

/** Whether a key that begins with the `common` prefix of a store belongs to another one, whose prefix is longer. */
export function isOfLongerPrefix(key: string, common: string): boolean {
  return key.includes(`${NESTED}:`, common.length);
}

/** How a text stands in the key of a target, where it is short enough. */
export function escapedPart(text: string): string {
  return escape(text, UNSAFE);
}

/** A key beside the main key of a target, in the same slot. */
function auxiliaryKey(main: string, { policy: { keyShards } }: Target, name: string): string {
  if (keyShards === 0) return `{${main}}:${name}`;
  const end = main.lastIndexOf("}") + 1; // the last: those of limiters and keys are escaped
  return `${main.slice(0, end)}~${name}${main.slice(end)}`;
}

function addKeys(keys: string[], main: string, target: Target): void {
  const { rates, maxConcurrent } = target.policy;
  keys.push(main);
  if (rates.length > 1) {
    rates.forEach((rate, i) => {
      if (algorithmOf(rate.algorithm).hasOwnKey) keys.push(auxiliaryKey(main, target, `window:${i}`));
    });
  }
  if (maxConcurrent > 0) keys.push(auxiliaryKey(main, target, "leases"), auxiliaryKey(main, target, "waiters"));
}

/** One part of a key: different texts always give different parts. */
function escape(text: string, unsafe: RegExp): string {
  return text.replace(unsafe, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, "0")}.`);
}

function partOf(key: string): string {
  const part = SUSPICIOUS.test(key) ? escape(key, UNSAFE) : key;
  return part.length <= MAX_PART ? part : hashLong(part);
}

function hashLong(part: string): string {
  return part.length <= MAX_PART ? part : `~${sha256Hex(new TextEncoder().encode(part))}`;
}
