/**
 * Which keys of a limiter stand in Redis, read from the names in `keys.ts`.
 *
 * @module
 */

import { keyOfHash } from "../../base/short_key.ts";
import type { KeyQuery, StoredKey } from "../store.ts";
import { escapePattern } from "./connections/scan.ts";
import { escapedPart, type KeyNames } from "./keys.ts";

/** The key of a target without rates holds only its permits. */
const LEASES = "leases";

/** The hash of a long key. */
const HASH = /^~([0-9a-f]{64})$/;

/** What follows in the name of a key with shards: the number, what is kept there beside the main key, and its name. */
const SHARDED = /^(\d{1,4})\}(?:~([^:]*))?(:.*)$/s;

/**
 * The pattern of `SCAN` for the keys of a limiter; it may match others too.
 *
 * @param names The names of the store.
 * @param query Which keys.
 */
export function patternOf(names: KeyNames, { limiter, policy, prefix = "" }: KeyQuery): string {
  const begin = names.beginOf(limiter) + (prefix === "" ? "" : `:${escapedPart(prefix)}`);
  if (policy.keyShards > 0) {
    return `${escapePattern(names.shards)}*${escapePattern(begin.slice(names.common.length - 1))}*`;
  }
  return `${policy.maxConcurrent > 0 ? "*" : ""}${escapePattern(begin)}*`;
}

/**
 * The key of a limiter that a name in Redis stands for; undefined where it is another one.
 *
 * @param name The name of a key.
 * @param names The names of the store.
 * @param query Which keys.
 */
export function storedKey(name: string, names: KeyNames, { limiter, prefix = "" }: KeyQuery): StoredKey | undefined {
  const begin = names.beginOf(limiter);
  const { main, shard } = mainOf(name, names) ?? {};
  if (main === begin) return prefix === "" ? { key: undefined, isHash: false } : undefined;
  if (main === undefined || !main.startsWith(`${begin}:`)) return undefined;
  const part = main.slice(begin.length + 1);
  const [, hash] = HASH.exec(part) ?? [];
  if (hash !== undefined) return prefix === "" ? { key: keyOfHash(hash) + shard, isHash: true } : undefined;
  if (part.includes("~")) return undefined; // of a store whose prefix is longer
  const key = unescaped(part);
  return key.startsWith(prefix) ? { key, isHash: false } : undefined;
}

/** The main key of a target that a name belongs to, as it is without shards, and the shard behind a colon. */
function mainOf(name: string, names: KeyNames): { readonly main: string; readonly shard: string } | undefined {
  if (!name.startsWith("{")) return { main: name, shard: "" };
  const { shards, common } = names;
  const sharded = name.startsWith(shards) ? SHARDED.exec(name.slice(shards.length)) : null;
  if (sharded !== null) {
    const [, shard, auxiliary = LEASES, rest] = sharded;
    return auxiliary === LEASES ? { main: common.slice(0, -1) + rest, shard: `:${shard}` } : undefined;
  }
  const end = `}:${LEASES}`;
  return name.endsWith(end) ? { main: name.slice(1, -end.length), shard: "" } : undefined;
}

function unescaped(part: string): string {
  return part.replace(/%([0-9a-f]+)\./g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
