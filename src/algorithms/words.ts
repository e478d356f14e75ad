/**
 * The third part of the table of rate algorithms: what a limit says about itself. Loaded when a decision is explained.
 *
 * @module
 */

import { durationWords, exactDuration } from "../base/duration_words.ts";
import type { Level } from "./kernel.ts";
import type { RateAlgorithm, RateLimit } from "./limit.ts";
import { tokenBucketWords } from "./token_bucket/words.ts";
import { type LimitWords, windowWords } from "./window_words.ts";

const ROWS: { readonly [Name in RateAlgorithm]: LimitWords<Extract<RateLimit, { algorithm: Name }>> } = {
  token_bucket: tokenBucketWords,
  sliding_window: windowWords({
    standing: ({ windowUs }, [used, resetUs]) =>
      used === 0
        ? `no unit was taken in the last ${exactDuration(windowUs)}`
        : `${used} taken in the last ${exactDuration(windowUs)}; the newest leaves in ${
          durationWords(resetUs / 1_000)
        }`,
  }),
  sliding_window_counter: windowWords({
    windows: 2,
    isEstimate: true,
    standing: (_limit, [used, resetUs]) =>
      used === 0
        ? "no unit counts"
        : `an estimate of ${used} used; the last has faded out in ${durationWords(resetUs / 1_000)}`,
  }),
  fixed_window: windowWords({
    endsAtOnce: true,
    standing: (_limit, [used, resetUs]) =>
      used === 0
        ? "no window is open: the next unit opens one"
        : `${used} taken in this window, which ends in ${durationWords(resetUs / 1_000)}`,
  }),
};

/** The words of limits, which do not change: metrics need them for each denial. */
const RULES = new WeakMap<RateLimit, string>();

/** What a limit says about itself. */
export function wordsFor(limit: RateLimit): LimitWords<RateLimit> {
  return ROWS[limit.algorithm] as LimitWords<never> as LimitWords<RateLimit>;
}

/** A limit and its algorithm, in words: `100 per 1 min, sliding_window`. */
export function ruleOf(limit: RateLimit): string {
  let rule = RULES.get(limit);
  if (rule === undefined) RULES.set(limit, rule = `${wordsFor(limit).rule(limit)}, ${limit.algorithm}`);
  return rule;
}

/**
 * How long until a limit at a level has so many units free, in microseconds; undefined where its level does not tell
 * that.
 */
export function freeInUs(limit: RateLimit, level: Level, units: number): number | undefined {
  return wordsFor(limit).freeInUs(limit, level, units);
}
