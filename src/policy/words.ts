/**
 * The rules of a limiter in words, and as something to compare.
 *
 * @module
 */

import { sha256Hex } from "../base/sha256.ts";
import type { Policy } from "./policy.ts";

/** What a limiter counts, in words, for reports: `token_bucket 100 in 1000 ms, burst 200; 50 permits`. */
export function wordsOf({ rates, maxConcurrent }: Policy): string {
  const words = rates.map((rate) =>
    rate.algorithm === "token_bucket"
      ? `${rate.algorithm} ${rate.quota} in ${rate.windowUs / 1_000} ms, burst ${rate.capacity}`
      : `${rate.algorithm} ${rate.capacity} in ${rate.windowUs / 1_000} ms`
  );
  if (maxConcurrent > 0) words.push(`${maxConcurrent} permits`);
  return words.join("; ");
}

/** Twelve hexadecimal digits that differ where any option of two policies does, also one that changes no counts. */
export function hashOf(policy: Policy): string {
  const text = JSON.stringify(policy, (_, value) => value === Infinity ? "Infinity" : sorted(value));
  return sha256Hex(new TextEncoder().encode(text)).slice(0, 12);
}

/** An object with its members in one order. */
function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1));
}
