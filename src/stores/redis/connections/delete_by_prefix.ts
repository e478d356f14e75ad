/**
 * Deletes keys in bounded steps.
 *
 * @module
 */

import { isOfLongerPrefix, isRegister } from "../keys.ts";
import { escapePattern, scanKeys } from "./scan.ts";
import type { CommandClient } from "./single/client.ts";

/** How many keys one `UNLINK` takes. */
const KEYS_PER_STEP = 1_000;

/** How to reach one server's keys. */
export interface KeyCommands {
  /** Sends a `SCAN` command. */
  scan(command: readonly string[]): Promise<unknown>;
  /** Deletes keys, and tells how many there were. */
  unlink(keys: readonly string[]): Promise<number>;
}

/** The commands to one server that is called so. */
export function keyCommands(call: <T>(send: (redis: CommandClient) => Promise<T>) => Promise<T>): KeyCommands {
  return {
    scan: (command) => call((redis) => redis.sendCommand<unknown>(command)),
    unlink: (keys) => call((redis) => redis.sendCommand<number>(["UNLINK", ...keys])),
  };
}

/**
 * Deletes every key of a server that begins with `prefix`, but those of stores whose prefix is longer, and registers of
 * rules: processes rely on what these say.
 *
 * @returns How many there were.
 */
export async function deleteByPrefix(prefix: string, { scan, unlink }: KeyCommands): Promise<number> {
  if (prefix === "") {
    throw new RangeError('Cannot delete keys by prefix: it must not be empty, received ""');
  }
  let count = 0;
  for await (const page of scanKeys(scan, `${escapePattern(prefix)}*`)) {
    const keys = page.filter((key) => !isOfLongerPrefix(key, prefix) && !isRegister(key, prefix));
    for (let i = 0; i < keys.length; i += KEYS_PER_STEP) count += await unlink(keys.slice(i, i + KEYS_PER_STEP));
  }
  return count;
}
