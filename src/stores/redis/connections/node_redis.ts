/**
 * The Redis store's connection through the npm package `redis` (node-redis), which is loaded at first use.
 *
 * @module
 */

import type { StoreError } from "../../../base/errors.ts";
import type { RedisStoreOptions } from "../options.ts";
import type { Script } from "../script.ts";
import type { CommandClient } from "./client.ts";
import type { RedisConnection, ScriptReply } from "./connection.ts";
import { Pool } from "./pool.ts";
import { readSettings } from "./settings.ts";
import { Subscriber } from "./subscriber.ts";

/** What a connection tells its owner. */
export interface NodeRedisHooks {
  /** Called with what goes wrong in the background, such as a lost connection. Must not throw. */
  onError?(error: StoreError): void;
}

/** How many keys `SCAN` looks at, and how many one `UNLINK` takes. */
const KEYS_PER_STEP = 1_000;

/**
 * Makes a connection. Nothing is opened before `connect()` or the first command.
 *
 * Calls arrive at the server in the order in which they were made. While Redis is down, calls fail
 * at once and the connections are set up again in the background. Open connections keep the process alive until
 * `close()`; nothing else here does.
 *
 * @param options Where Redis is, and how to use it.
 * @param hooks What to tell the owner.
 * @throws {ConfigError} If an option cannot be used, or two of them contradict each other.
 */
export function openNodeRedis(
  options: RedisStoreOptions,
  hooks: NodeRedisHooks = {},
): RedisConnection {
  const settings = readSettings(options);
  const onError = (error: StoreError) => hooks.onError?.(error);
  return {
    url: settings.endpoint.label,
    ...connectionOver(new Pool(settings, onError), new Subscriber(settings, onError)),
  };
}

/**
 * The connection that a pool for calls and a subscriber make up.
 *
 * @param pool Carries the calls.
 * @param subscriber Listens.
 */
export function connectionOver(pool: Pool, subscriber: Subscriber): RedisConnection {
  const sent: SentScripts = new WeakMap();
  let closing: Promise<unknown> | undefined;
  return {
    run: (script, keys, args) =>
      pool.call((redis) => runScript(redis, sent, script, [String(keys.length), ...keys, ...args])),
    subscribe: (channel, listener, onReconnect) => subscriber.subscribe(channel, listener, onReconnect),
    deleteByPrefix: (prefix) => deleteByPrefix(pool, prefix),
    connect: () => pool.connect(),
    close: async () => {
      await (closing ??= Promise.all([pool.close(), subscriber.close()]));
    },
  };
}

/** The scripts that each client has sent in full: a new one may talk to a server that does not know them. */
export type SentScripts = WeakMap<CommandClient, Set<string>>;

/** The first time, a client sends the script itself: nothing has to be sent again, and the order of calls holds. */
export async function runScript(
  redis: CommandClient,
  sent: SentScripts,
  script: Script,
  rest: readonly string[],
): Promise<ScriptReply> {
  const known = sent.get(redis) ?? new Set();
  if (!known.has(script.sha1)) {
    sent.set(redis, known.add(script.sha1));
    return redis.sendCommand<ScriptReply>(["EVAL", script.source, ...rest]);
  }
  try {
    return await redis.sendCommand<ScriptReply>(["EVALSHA", script.sha1, ...rest]);
  } catch (error) {
    // Only this answer proves that nothing ran, so only then may it be sent again.
    if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
    return redis.sendCommand<ScriptReply>(["EVAL", script.source, ...rest]);
  }
}

/** Deletes every key that begins with a prefix, in bounded steps. Returns how many there were. */
export async function deleteByPrefix(pool: Pick<Pool, "call">, prefix: string): Promise<number> {
  if (prefix === "") {
    throw new RangeError('Cannot delete keys by prefix: it must not be empty, received ""');
  }
  const pattern = `${prefix.replace(/[\\*?[\]]/g, "\\$&")}*`;
  let count = 0;
  let cursor = "0";
  do {
    const scan = ["SCAN", cursor, "MATCH", pattern, "COUNT", String(KEYS_PER_STEP)];
    const page = await pool.call((redis) => redis.sendCommand<[cursor: string, keys: string[]]>(scan));
    const keys = page[1];
    for (let i = 0; i < keys.length; i += KEYS_PER_STEP) {
      const unlink = ["UNLINK", ...keys.slice(i, i + KEYS_PER_STEP)];
      count += await pool.call((redis) => redis.sendCommand<number>(unlink));
    }
    cursor = page[0];
  } while (cursor !== "0");
  return count;
}
