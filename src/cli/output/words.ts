/**
 * Numbers and rules in words.
 *
 * @module
 */

import type { Policy } from "../../policy/policy.ts";

/** Units of time with their milliseconds. */
const UNITS = [["d", 86_400_000], ["h", 3_600_000], ["m", 60_000], ["s", 1_000]] as const;

/** A duration, rounded up so that it never promises too much: `2h 5m`, `1.5s`, `250ms`, `0s`. */
export function durationText(ms: number): string {
  if (ms === Infinity) return "forever";
  if (ms <= 0) return "0s";
  if (ms < 1_000) return `${Math.ceil(ms)}ms`;
  if (ms < 10_000) return `${Math.ceil(ms / 100) / 10}s`;
  let left = Math.ceil(ms / 1_000) * 1_000;
  const words: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) words.push(`${count}${unit}`);
  }
  return words.slice(0, 2).join(" ");
}

/** The rules of a limiter: `5 in any 5m (sliding_window)`, `100 in 1s, at most 200 at once (token_bucket)`. */
export function rulesText({ rates, maxConcurrent }: Policy): string {
  const limits = rates.map((rate) => {
    const { algorithm, capacity, windowUs } = rate;
    const window = durationText(windowUs / 1_000);
    if (algorithm === "token_bucket") return `${rate.quota} in ${window}, at most ${capacity} at once (${algorithm})`;
    return `${capacity} in ${algorithm === "sliding_window" ? "any " : ""}${window} (${algorithm})`;
  });
  if (maxConcurrent > 0) limits.push(`${maxConcurrent} at the same time (concurrency)`);
  return limits.join("; ");
}
