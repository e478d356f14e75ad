/**
 * The rules of a limiter for people, as explanations, metrics and the program name them.
 *
 * @module
 */

import { ruleOf } from "../algorithms/words.ts";
import type { Policy } from "./policy.ts";

/** The rule of permits: `4 at once, concurrency`. */
export function permitsRule(maxConcurrent: number): string {
  return `${maxConcurrent} at once, concurrency`;
}

/** All rules of a limiter: `5 per 5 min, sliding_window; 4 at once, concurrency`. The same for the same rules. */
export function rulesText({ rates, maxConcurrent }: Policy): string {
  return [...rates.map(ruleOf), ...maxConcurrent > 0 ? [permitsRule(maxConcurrent)] : []].join("; ");
}
