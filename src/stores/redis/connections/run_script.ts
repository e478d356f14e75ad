/**
 * A script in one command.
 *
 * @module
 */

import type { Script } from "../script.ts";
import type { CommandClient } from "./single/client.ts";
import type { ScriptReply } from "./connection.ts";

/** The scripts that each client has sent in full: a new one may talk to a server that does not know them. */
export type SentScripts = WeakMap<CommandClient, Set<string>>;

/**
 * Runs a script. The first time, a client sends the script itself: nothing has to be sent again, and the order of calls
 * holds.
 *
 * @param redis Sends it.
 * @param sent What clients have sent before.
 * @param script The script.
 * @param keys Its KEYS.
 * @param args Its ARGV.
 * @param asking Whether the node is to take it for a slot that is being moved to it.
 */
export async function runScript(
  redis: CommandClient,
  sent: SentScripts,
  script: Script,
  keys: readonly string[],
  args: readonly string[],
  asking = false,
): Promise<ScriptReply> {
  const { sha1, source } = script;
  const known = sent.get(redis) ?? new Set();
  // A check looks whether the digest may be sent too, which all calls but the first do. It has no order to keep.
  const isKnown = known.has(sha1) || script.name === "check";
  if (!isKnown) sent.set(redis, known.add(sha1));
  const command = [isKnown ? "EVALSHA" : "EVAL", isKnown ? sha1 : source, String(keys.length), ...keys, ...args];
  try {
    // It holds for the next command of the connection only, and that is the one below.
    if (asking) redis.sendCommand(["ASKING"]).catch(() => {});
    return await redis.sendCommand<ScriptReply>(command);
  } catch (error) {
    // Only this answer proves that nothing ran, so only then may it be sent again.
    if (!isKnown || !(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
    if (asking) redis.sendCommand(["ASKING"]).catch(() => {});
    return await redis.sendCommand<ScriptReply>(["EVAL", source, ...command.slice(2)]);
  }
}
