/**
 * Which rules have a script of their own.
 *
 * @module
 */

import { algorithmOf } from "../../algorithms/mod.ts";
import type { RateAlgorithm, RateLimit } from "../../algorithms/limit.ts";
import type { Policy } from "../../policy/policy.ts";
import type { Script } from "./script.ts";
import { bucket, fixedWindow, several, slidingWindow, slidingWindowCounter } from "./scripts.gen.ts";

/** The scripts that decide about a single limit, by its algorithm. Of an algorithm without one, `decide.lua` does. */
const SINGLE: Readonly<Partial<Record<RateAlgorithm, Script>>> = {
  token_bucket: bucket,
  fixed_window: fixedWindow,
  sliding_window: slidingWindow,
  sliding_window_counter: slidingWindowCounter,
};

/** A script that decides groups of alike takes, each entry by its one key, by these rules, if there is one. */
export function keyScriptOf({ rates, maxConcurrent }: Policy): Script | undefined {
  if (maxConcurrent > 0) return undefined;
  if (rates.length === 1) return SINGLE[(rates[0] as RateLimit).algorithm];
  return rates.every(({ algorithm }) => SINGLE[algorithm] && !algorithmOf(algorithm).hasOwnKey) ? several : undefined;
}
