/**
 * `ratesync refund`
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

/** Gives units back to a key. */
export const command: Command = defineCommand({
  about: "A limit takes back at most what has been used of it. Permits are not given back.",
  arguments: {
    limiter: LIMITER_ARGUMENT,
    key: KEY_ARGUMENT,
    units: { kind: "count", min: 1, about: "How many units" },
  },
  options: {},
  changes: "how many units are left",
  examples: [["ratesync refund api user:42 100", "gives user:42 100 units back"]],
  async run(context, { limiter: id, key, units }) {
    const { limiter, place } = await sharedLimiter(context, id);
    const what = keyWords(id, key);
    await context.confirm(`This gives up to ${counted(units, "unit")} back to ${what} (${place})`);
    await limiter.refund(units, keyOptions(key));
    const now = standingOf(await limiter.peek(keyOptions(key)));
    return {
      json: { limiter: id, key, refunded: units, now },
      text: `Gave up to ${counted(units, "unit")} back to ${what}.\n${standingText(now, context.paint)}`,
    };
  },
});
