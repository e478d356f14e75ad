/**
 * `ratesync block`
 *
 * @module
 */

import { exactDuration } from "../../base/duration_words.ts";
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

/** The longest block: 35 years, in milliseconds. */
const MOST_MS = 1.1e12;

/** Denies every call for a key for some time. */
export const command: Command = defineCommand({
  about: "Every process denies calls for the key from then on. A new block replaces an earlier one, also a longer one.",
  arguments: {
    limiter: LIMITER_ARGUMENT,
    key: KEY_ARGUMENT,
    duration: { kind: "duration", min: 1, max: MOST_MS, about: "How long from now: 30s, 15m, 1.5h, 7d" },
  },
  options: {
    "keep-longer": { kind: "flag", about: "Leave an earlier block that ends later as it is" },
  },
  changes: "which calls the store allows",
  examples: [
    ["ratesync block api user:42 1h", "denies user:42 for an hour, after you confirm"],
    ["ratesync block api user:42 1h --yes --json", "the same in a script"],
  ],
  async run(context, { limiter: id, key, duration, "keep-longer": keepLonger }) {
    const { limiter, place } = await sharedLimiter(context, id);
    const what = keyWords(id, key);
    await context.confirm(`This blocks ${what} for ${exactDuration(duration * 1_000)} (${place})`);
    await limiter.block(duration, { ...keyOptions(key), keepLonger });
    const { limiters: [explained] } = await limiter.explain(keyOptions(key));
    const now = standingOf(await limiter.peek(keyOptions(key)));
    const endsInMs = explained?.block?.endsInMs ?? duration;
    const isKept = keepLonger && endsInMs > duration;
    const done = isKept
      ? `An earlier block of ${what} ends later and stays`
      : `Blocked ${what} for ${exactDuration(duration * 1_000)}`;
    return {
      json: { limiter: id, key, blockedForMs: isKept ? endsInMs : duration, now },
      text: `${done}.\n${standingText(now, context.paint)}`,
    };
  },
});
