/**
 * The commands that the scripts call for given rules, in a form that changes nothing on a key that is not there.
 *
 * @module
 */

import { algorithmOf } from "../../algorithms/mod.ts";
import type { Policy } from "../../policy/policy.ts";
import { keyScriptOf } from "./key_script.ts";
import { bucket } from "./scripts.gen.ts";

/**
 * Any decision that takes something writes. `SET` is refused by a server that is full, but only as the first write of a
 * script.
 */
const ALWAYS = ["SET KEY x PX 1 XX", "PEXPIRE KEY 1"];

/** A number that is none: the rights are checked before it is read. */
const BUCKET = ["MGET KEY", "GET KEY", "INCRBY KEY x"];

const WINDOWS = ["GET KEY", "MGET KEY", "SETRANGE KEY 0 EMPTY"];

const SLIDING_WINDOW = ["GETRANGE KEY 0 0", "SETRANGE KEY 0 EMPTY"];

const SLOTS = [
  "GET KEY",
  "EXISTS TAGGED",
  "PTTL TAGGED",
  "ZADD TAGGED XX 1 x",
  "ZREM TAGGED x",
  "ZCOUNT TAGGED 0 1",
  "ZSCORE TAGGED x",
  "ZCARD TAGGED",
  "ZRANGE TAGGED 0 0",
  "ZREVRANGE TAGGED 0 0",
  "ZRANGEBYSCORE TAGGED 0 1",
  "ZREMRANGEBYSCORE TAGGED 1 2",
];

const INBOX = ["LRANGE TAGGED 0 0", "LTRIM TAGGED 0 0"];

/** What a store has to be able to do. */
export interface Needs {
  /** Commands to try; `KEY` stands for a main key, `TAGGED` for one beside it, `EMPTY` for an empty string. */
  readonly commands: readonly string[];
  /** Whether a key beside the main key is needed. */
  readonly hasTagged: boolean;
}

/**
 * What the limiters of a store need.
 *
 * @param policies Their rules.
 * @param channel A channel of the store without listeners; its name has no spaces.
 * @param polls Whether the store keeps messages in lists, because nothing can be pushed to it.
 */
export function needsOf(policies: readonly Policy[], channel: string, polls: boolean): Needs {
  const commands = new Set(ALWAYS);
  const add = (more: readonly string[]) => more.forEach((command) => commands.add(command));
  for (const policy of policies) {
    const { rates, maxConcurrent } = policy;
    add(keyScriptOf(policy) === bucket ? BUCKET : WINDOWS);
    if (rates.some(({ algorithm }) => algorithmOf(algorithm).hasOwnKey)) add(SLIDING_WINDOW);
    if (maxConcurrent > 0) add(SLOTS);
  }
  const hasTagged = policies.some(({ maxConcurrent }) => maxConcurrent > 0);
  if (hasTagged && !/\s/.test(channel)) add([`PUBSUB NUMSUB ${channel}`, `PUBLISH ${channel} x`]);
  if (hasTagged && polls) add(INBOX);
  return { commands: [...commands], hasTagged };
}
