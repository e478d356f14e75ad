/**
 * What log lines say about the decisions that a store cannot make.
 *
 * @module
 */

import type { StoreErrorPolicy } from "../policy/options.ts";
import type { Policy } from "../policy/policy.ts";

const FALLBACKS: Readonly<Record<StoreErrorPolicy, string>> = {
  local: "falling back to in-memory",
  allow: "allowing what it cannot decide",
  deny: "denying what it cannot decide",
  throw: "failing what it cannot decide",
};

/** What decides in place of a store, in words. */
export function fallback(policies: readonly Policy[]): string {
  const choices = new Set(policies.map(({ onStoreError }) => onStoreError));
  const [only = "local"] = choices;
  return choices.size > 1 ? "each limiter's onStoreError decides" : FALLBACKS[only];
}
