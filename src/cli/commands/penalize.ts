/**
 * `ratesync penalize`
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
import { counted } from "../output/words.ts";

/** Charges units to a key. */
export const command: Command = defineCommand({
  about:
    "It charges the units even if the limit has fewer: later calls wait for them. At most a hundred times what the " +
    "limit holds is charged.",
  arguments: {
    limiter: LIMITER_ARGUMENT,
    key: KEY_ARGUMENT,
    units: { kind: "count", min: 1, about: "How many units" },
  },
  options: {},
  changes: "how many units are left",
  exits: { 0: "all units were charged", 1: "fewer units were charged than you asked for, or you did not confirm" },
  examples: [["ratesync penalize api user:42 100", "charges user:42 100 units"]],
  async run(context, { limiter: id, key, units }) {
    const { limiter, place } = await sharedLimiter(context, id);
    const what = keyWords(id, key);
    await context.confirm(`This charges ${counted(units, "unit")} to ${what} (${place})`);
    const { charged, uncharged } = await limiter.penalize(units, keyOptions(key));
    const now = standingOf(await limiter.peek(keyOptions(key)));
    const rest = uncharged === 0
      ? ""
      : ` ${uncharged} were not: at most a hundred times what the limit holds is charged at a time.`;
    return {
      json: { limiter: id, key, charged, uncharged, now },
      text: `Charged ${counted(charged, "unit")} to ${what}.${rest}\n${standingText(now, context.paint)}`,
      exit: uncharged === 0 ? 0 : 1,
    };
  },
});
