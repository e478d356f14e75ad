/**
 * Rules in words.
 *
 * @module
 */

import { ruleOf } from "../../algorithms/words.ts";
import type { Policy } from "../../policy/policy.ts";

/** The rules of a limiter, as explanations name them: `5 per 5 min, sliding_window`. */
export function rulesText({ rates, maxConcurrent }: Policy): string {
  const limits = rates.map(ruleOf);
  if (maxConcurrent > 0) limits.push(`${maxConcurrent} at the same time, concurrency`);
  return limits.join("; ");
}

/** A number of things: `1 key`, `2 keys`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}
