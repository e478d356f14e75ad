/**
 * What `several.lua` is sent of takes from several limits of one key.
 *
 * @module
 */

import { algorithmOf } from "../../algorithms/mod.ts";
import type { RateLimit } from "../../algorithms/limit.ts";
import type { Policy } from "../../policy/policy.ts";
import { permitArgs } from "./short_permits.ts";

/** Products stay exact in a double. */
const MAX_PRODUCT = 2 ** 52;

/** A policy as scripts read it. */
export function encodePolicy(policy: Policy): string[] {
  const { rates } = policy;
  const args = [...permitArgs(policy), String(rates.length)];
  for (const rate of rates) {
    const { letter, numbers } = algorithmOf(rate.algorithm);
    args.push(letter, ...numbers(rate).map(String));
  }
  return args;
}

/** What stands in the header of a group after the number of entries. */
export function severalArgs(policy: Policy, cost: number, waitUs: string): string[] {
  const words = [...encodePolicy(policy), "0"]; // by the plain rules of its limiter
  return [String(cost), waitUs, String(words.length), ...words];
}

/** How many takes from a limit add up exactly in what the script computes. */
export function exactTimes(rate: RateLimit): number {
  return rate.algorithm === "token_bucket" ? Math.floor(MAX_PRODUCT / rate.denominator) : Infinity;
}
