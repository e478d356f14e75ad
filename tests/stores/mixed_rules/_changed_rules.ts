/**
 * Pairs of policies, and what they promise together where one takes the place of the other.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { RateLimit } from "../../../src/algorithms/limit.ts";
import type { LimiterOptions } from "../../../src/policy/options.ts";
import { compilePolicy, type Policy } from "../../../src/policy/policy.ts";

const SIZES = [{ limit: 4, windowMs: 8_000 }, { limit: 7, windowMs: 3_000 }] as const;

const RATES: Readonly<Record<string, LimiterOptions>> = Object.fromEntries([
  ...(["token_bucket", "sliding_window", "sliding_window_counter", "fixed_window"] as const).flatMap((algorithm) =>
    SIZES.map((size) => [`${algorithm} of ${size.limit} in ${size.windowMs} ms`, { algorithm, ...size }])
  ),
  ["two buckets", { limits: [{ ...SIZES[1], limit: 5 }, { limit: 9, windowMs: 20_000 }] }],
  ["bucket and window", { limits: [SIZES[1], { algorithm: "sliding_window", limit: 9, windowMs: 20_000 }] }],
]);

/** Every kind of policy, by name. */
export const OPTIONS: readonly (readonly [string, LimiterOptions])[] = Object.entries(RATES).flatMap((
  [name, options],
) => [[name, options], [`${name}, with permits`, { ...options, maxConcurrent: 1_000 }]]);

/** Every pair of different ones. */
export const PAIRS: readonly (readonly [string, Policy, Policy])[] = OPTIONS.flatMap(([from, one]) =>
  OPTIONS.filter(([to]) => from !== to)
    .map(([to, other]) => [`${from} -> ${to}`, compilePolicy(one), compilePolicy(other)] as const)
);

/** Units that were taken. */
export interface Taken {
  /** For when. */
  readonly atUs: number;
  /** How many. */
  readonly cost: number;
  /** By which rules. */
  readonly policy: Policy;
}

/**
 * Fails where an interval holds more than the larger of what the two policies admit in it. The new rules cannot count what
 * the old ones have forgotten (units that a bucket has refilled, or that are older than a window), nor what is above a
 * smaller limit: in an interval with the change in it, each policy admits what it admits in its own part.
 */
export function assertTogether(
  [before, after]: readonly [Policy, Policy],
  all: readonly Taken[],
  what: string,
): void {
  const taken = all.toSorted((a, b) => a.atUs - b.atUs);
  const changedUs = Math.min(...taken.filter(({ policy }) => policy === after).map(({ atUs }) => atUs));
  for (const [i, first] of taken.entries()) {
    let units = 0;
    for (const { atUs, cost, policy } of taken.slice(i)) {
      units += cost;
      const most = policy === first.policy
        ? admits(policy, atUs - first.atUs)
        : admits(before, Math.max(changedUs - first.atUs, 0)) + admits(after, atUs - changedUs);
      assert.ok(units <= most, `${what}: ${units} units in ${atUs - first.atUs} µs, where ${most} are the most`);
    }
  }
}

/** The most units that a policy admits at instants that are `us` apart at most. */
export function admits({ rates }: Policy, us: number): number {
  return Math.min(...rates.map((limit) => bound(limit, us)));
}

/** The most units that a limit admits at instants that are `us` apart at most. */
function bound(limit: RateLimit, us: number): number {
  const { capacity } = limit;
  switch (limit.algorithm) {
    case "token_bucket":
      return capacity +
        Math.floor((us + 1) * limit.denominator / (limit.intervalUs * limit.denominator + limit.intervalRem));
    case "sliding_window":
      return capacity * (Math.floor(us / limit.windowUs) + 1);
    case "sliding_window_counter":
      return (2 * capacity - 1) * (Math.floor(us / limit.windowUs) + 1);
    case "fixed_window":
      return capacity * (Math.floor(us / limit.windowUs) + 2);
  }
}

/**
 * What a token bucket refills within so long: a bucket counts no more of other rules' units than it holds, so that its
 * waits stay within a full refill.
 */
export function refilledIn({ rates }: Policy, us: number): number {
  return Math.max(
    0,
    ...rates.map((limit) => limit.algorithm === "token_bucket" ? bound(limit, us) - limit.capacity : 0),
  );
}

/** The longest wait for one unit, where nobody waits. */
export function fullRefillUs({ rates }: Policy): number {
  return Math.max(
    ...rates.map((limit) =>
      limit.algorithm === "token_bucket"
        ? limit.burstUs + 1
        : limit.windowUs * (limit.algorithm === "sliding_window_counter" ? 2 : 1)
    ),
  );
}
