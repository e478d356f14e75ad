/**
 * `ratesync unblock`
 *
 * @module
 */

import { type Command, defineCommand } from "../command.ts";
import {
  KEY_ARGUMENT,
  keyOptions,
  keyWords,
  LIMITER_ARGUMENT,
  sharedLimiter,
  standingOf,
  standingText,
} from "../limiters.ts";

/** Ends a block. */
export const command: Command = defineCommand({
  about: "Units that the key has used stay counted: reset forgets them too.",
  arguments: { limiter: LIMITER_ARGUMENT, key: KEY_ARGUMENT },
  options: {},
  changes: "which calls the store allows",
  exits: { 0: "the key is not blocked any more", 1: "the key was not blocked, or you did not confirm" },
  examples: [["ratesync unblock api user:42", "lets user:42 in again, as far as its limits allow"]],
  async run(context, { limiter: id, key }) {
    const { limiter, place } = await sharedLimiter(context, id);
    const what = keyWords(id, key);
    const wasBlocked = await limiter.isBlocked(keyOptions(key));
    if (wasBlocked) {
      await context.confirm(`This ends the block of ${what} (${place})`);
      await limiter.block(0, keyOptions(key));
    }
    const now = standingOf(await limiter.peek(keyOptions(key)));
    const done = wasBlocked ? `Ended the block of ${what}.` : `There was no block of ${what}.`;
    return {
      json: { limiter: id, key, wasBlocked, now },
      text: `${done}\n${standingText(now, context.paint)}`,
      exit: wasBlocked ? 0 : 1,
    };
  },
});
