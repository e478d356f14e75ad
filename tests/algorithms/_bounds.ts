/**
 * What each algorithm promises, checked on nothing but the instants of the units it granted: in whole numbers without
 * end, and without its formulas.
 *
 * @module
 */

import assert from "node:assert/strict";

import type {
  FixedWindowLimit,
  RateLimit,
  SlidingWindowCounterLimit,
  SlidingWindowLimit,
  TokenBucketLimit,
} from "../../src/algorithms/limit.ts";
import type { Grant } from "./_track.ts";

/** Fails unless the units keep to the limit. */
export function assertBound(limit: RateLimit, grants: readonly Grant[]): void {
  const units = grants.filter(({ cost }) => cost > 0).toSorted((a, b) => a.atUs - b.atUs);
  switch (limit.algorithm) {
    case "token_bucket":
      return assertBucket(limit, units);
    case "sliding_window":
      return assertEveryWindow(limit, units, limit.capacity);
    case "sliding_window_counter":
      assertEstimate(limit, units);
      return assertEveryWindow(limit, units, 2 * limit.capacity - 1);
    case "fixed_window":
      return assertWindows(limit, units);
  }
}

/** In every half-open interval of length D: at most burst + floor(D * rate). */
export function assertBucket(limit: TokenBucketLimit, units: readonly Grant[]): void {
  for (let first = 0; first < units.length; first++) {
    const fromUs = (units[first] as Grant).atUs;
    let sum = 0;
    for (let last = first; last < units.length; last++) {
      const { cost, atUs } = units[last] as Grant;
      sum += cost;
      const us = atUs - fromUs + 1;
      const bound = limit.capacity + refilledIn(limit, us);
      if (sum > bound) assert.fail(`${sum} units in ${us} µs from ${fromUs}, where ${bound} are the most`);
    }
  }
}

/** Whole units that come in so many microseconds, exactly: most products are below 2^53. */
function refilledIn({ intervalUs, intervalRem, denominator }: TokenBucketLimit, us: number): number {
  const [ticks, unitTicks] = [us * denominator, intervalUs * denominator + intervalRem];
  if (Number.isSafeInteger(ticks) && Number.isSafeInteger(unitTicks)) return Math.floor(ticks / unitTicks);
  const exactTicks = BigInt(intervalUs) * BigInt(denominator) + BigInt(intervalRem);
  return Number(BigInt(us) * BigInt(denominator) / exactTicks);
}

function assertEveryWindow(
  { windowUs }: SlidingWindowLimit | SlidingWindowCounterLimit,
  units: readonly Grant[],
  most: number,
): void {
  for (const [i, { atUs }] of units.entries()) {
    let sum = 0;
    for (let at = i; at >= 0 && (units[at] as Grant).atUs > atUs - windowUs; at--) sum += (units[at] as Grant).cost;
    if (sum > most) assert.fail(`${sum} units in the window that ends at ${atUs}, where ${most} are the most`);
  }
}

/** Windows do not overlap, hold every unit, and none holds more than the capacity. */
function assertWindows({ windowUs, capacity }: FixedWindowLimit, units: readonly Grant[]): void {
  const counts = new Map<number, number>();
  for (const { cost, atUs, mark } of units) {
    const startUs = mark.nowUs + mark.level[1] - windowUs;
    assert.ok(startUs <= atUs && atUs < startUs + windowUs, `${atUs} is not in its window from ${startUs}`);
    counts.set(startUs, (counts.get(startUs) ?? 0) + cost);
  }
  let endUs = 0;
  for (const [startUs, count] of [...counts].toSorted(([a], [b]) => a - b)) {
    assert.ok(startUs >= endUs, `the window from ${startUs} begins before the last one ends at ${endUs}`);
    assert.ok(count <= capacity, `${count} units in the window from ${startUs}, where ${capacity} are the most`);
    endUs = startUs + windowUs;
  }
}

/** At each unit: what is in its window so far, and what has not faded of the one before, are at most the capacity. */
function assertEstimate({ windowUs, stepUs, capacity }: SlidingWindowCounterLimit, units: readonly Grant[]): void {
  const startOf = ({ mark }: Grant) => mark.nowUs + mark.level[1] - 2 * windowUs;
  const sum = (some: readonly Grant[]) => some.reduce((total, { cost }) => total + BigInt(cost), 0n);
  for (const unit of units) {
    const startUs = startOf(unit);
    assert.ok(startUs <= unit.atUs && unit.atUs < startUs + windowUs, `${unit.atUs} is not in its window`);
    const current = sum(units.filter((other) => startOf(other) === startUs && other.atUs <= unit.atUs));
    const previous = sum(units.filter((other) => startOf(other) === startUs - windowUs));
    const faded = BigInt(Math.floor((unit.atUs - startUs) / stepUs)) * BigInt(stepUs);
    const whole = BigInt(windowUs);
    assert.ok(
      previous * (whole - faded) + current * whole <= BigInt(capacity) * whole,
      `${previous} faded by ${faded} of ${whole}, and ${current}: above ${capacity}`,
    );
  }
}
