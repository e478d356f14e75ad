/**
 * A plain client, for tests that look at what lies in Redis or at what reaches it.
 *
 * @module
 */

import { createClient, RESP_TYPES } from "@redis/client";

import { redisUrl } from "./redis.ts";

/** A client with the few commands that tests need. */
export interface RawRedis {
  /** Sends any command. */
  send(...command: (string | Buffer)[]): Promise<unknown>;
  /** Reads a string as bytes. */
  bytes(key: string): Promise<Uint8Array | undefined>;
  /** What `DUMP` gives for each key, as text: equal if nothing was written. */
  dump(keys: readonly string[]): Promise<string>;
  /** How often a command was called, by the server's own count since `CONFIG RESETSTAT`. */
  calls(command: string): Promise<number>;
  /** Every key that matches a pattern. */
  keys(pattern: string): Promise<string[]>;
  /** Disconnects. */
  close(): Promise<void>;
}

/** Connects to the Redis of this test run, or to another one. */
export async function openRawRedis(url: string = redisUrl()): Promise<RawRedis> {
  const client = createClient({ url });
  client.on("error", () => {});
  await client.connect();
  const binary = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  return {
    send: (...command) => client.sendCommand(command),
    async bytes(key) {
      const value = await binary.get(key) as Buffer | null;
      return value === null ? undefined : new Uint8Array(value);
    },
    async dump(keys) {
      const dumps = await Promise.all(keys.map((key) => binary.sendCommand(["DUMP", key]) as Promise<Buffer | null>));
      return dumps.map((dump) => dump?.toString("hex") ?? "-").join("\n");
    },
    async calls(command) {
      const stats = String(await client.sendCommand(["INFO", "commandstats"]));
      return Number(stats.match(new RegExp(`cmdstat_${command}:calls=(\\d+)`))?.[1] ?? 0);
    },
    keys: (pattern) => client.sendCommand(["KEYS", pattern]) as Promise<string[]>,
    async close() {
      await client.close();
    },
  };
}
