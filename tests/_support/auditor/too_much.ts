/**
 * Law 1, the bound, on nothing but what was kept: every interval is looked at, without any formula of a kernel.
 *
 * @module
 */

import type {
  FixedWindowLimit,
  RateLimit,
  SlidingWindowCounterLimit,
  TokenBucketLimit,
} from "../../../src/algorithms/limit.ts";
import { estimateAt, exact, type Kept, type OpenedLimit, startOf } from "./kept.ts";

/**
 * More than the limits allow.
 *
 * @returns What is wrong; undefined if nothing is.
 */
export function tooMuch(limits: readonly RateLimit[], kept: readonly Kept[]): string | undefined {
  const inOrder = kept.some(({ atUs }, i) => i > 0 && atUs < (kept[i - 1] as Kept).atUs)
    ? kept.toSorted((a, b) => a.atUs - b.atUs)
    : kept;
  for (const [i, limit] of limits.entries()) {
    const problem = tooMuchOf(limit, inOrder, i);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function tooMuchOf(limit: RateLimit, kept: readonly Kept[], i: number): string | undefined {
  switch (limit.algorithm) {
    case "token_bucket":
      return aboveBucket(limit, kept);
    case "sliding_window":
      return aboveInWindow(limit, kept, limit.capacity);
    case "sliding_window_counter":
      return overlap(limit, kept, i) ?? aboveEstimate(limit, kept, i) ??
        aboveInWindow(limit, kept, 2 * limit.capacity - 1);
    case "fixed_window":
      return overlap(limit, kept, i) ?? aboveFixed(limit, kept, i) ?? aboveInWindow(limit, kept, 2 * limit.capacity);
  }
}

/** From any take to any later one, both counted: no more than the capacity, and what is refilled meanwhile. */
function aboveBucket(limit: TokenBucketLimit, kept: readonly Kept[]): string | undefined {
  const unitTicks = limit.intervalUs * limit.denominator + limit.intervalRem;
  // Where a unit takes whole microseconds, arrivals are at the microsecond; else within the one that ends there.
  const isWhole = limit.denominator === 1;
  for (let first = 0; first < kept.length; first++) {
    const fromUs = (kept[first] as Kept).atUs;
    let sum = 0;
    for (let last = first; last < kept.length; last++) {
      const { atUs, units } = kept[last] as Kept;
      sum += units;
      const ticks = exact((atUs - fromUs + (isWhole ? 0 : 1)) * limit.denominator);
      const refilled = isWhole ? Math.floor(ticks / unitTicks) : Math.ceil(ticks / unitTicks) - 1;
      const most = limit.capacity + refilled;
      if (sum > most) return `${sum} units in ${atUs - fromUs} µs, where ${most} are the most`;
    }
  }
  return undefined;
}

/** In every half-open window: no more than `most`. */
function aboveInWindow(
  { windowUs }: { readonly windowUs: number },
  kept: readonly Kept[],
  most: number,
): string | undefined {
  let sum = 0;
  let first = 0;
  for (const { atUs, units } of kept) {
    sum += units;
    for (; (kept[first] as Kept).atUs <= atUs - windowUs; first++) sum -= (kept[first] as Kept).units;
    if (sum > most) return `${sum} units in a window of ${windowUs} µs, where ${most} are the most`;
  }
  return undefined;
}

/** In each window, as it was opened: no more than the capacity. */
function aboveFixed(limit: FixedWindowLimit, kept: readonly Kept[], i: number): string | undefined {
  const counts = new Map<number, number>();
  for (const each of kept) {
    const startUs = startOf(limit, each, i);
    const sum = (counts.get(startUs) ?? 0) + each.units;
    if (sum > limit.capacity) return `${sum} units in a fixed window of ${limit.capacity}`;
    counts.set(startUs, sum);
  }
  return undefined;
}

/** At each unit: what is in its window so far, and what has not faded of the one before, are at most the capacity. */
function aboveEstimate(limit: SlidingWindowCounterLimit, kept: readonly Kept[], i: number): string | undefined {
  const steps = limit.windowUs / limit.stepUs;
  for (const one of kept) {
    const near = kept.filter(({ atUs }) => atUs <= one.atUs && atUs > one.atUs - 2 * limit.windowUs);
    const estimate = estimateAt(limit, near, i, startOf(limit, one, i), one.atUs);
    if (estimate > limit.capacity * steps) {
      return `an estimate of ${estimate / steps} where ${limit.capacity} is the most`;
    }
  }
  return undefined;
}

/** Every unit is in its window, and windows that hold units do not overlap. */
function overlap(limit: OpenedLimit, kept: readonly Kept[], i: number): string | undefined {
  let lastUs = -Infinity;
  for (const each of kept) {
    const startUs = startOf(limit, each, i);
    if (each.atUs < startUs || each.atUs >= startUs + limit.windowUs) return "a unit that is not in its window";
    if (startUs < lastUs) return "a unit in a window after which another one had opened";
    if (startUs > lastUs && startUs < lastUs + limit.windowUs) {
      return `windows that overlap, ${startUs - lastUs} µs apart`;
    }
    lastUs = startUs;
  }
  return undefined;
}
