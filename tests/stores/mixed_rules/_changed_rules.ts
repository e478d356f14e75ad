/**
 * Pairs of policies, and what they promise together where one takes the place of the other.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { LimiterOptions } from "../../../src/policy/options.ts";
import type { Policy } from "../../../src/policy/policy.ts";
import { compilePolicy } from "../../../src/policy/compile_policy.ts";
import { admits } from "../../_support/auditor/bounds.ts";

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
        ? admits(policy.rates, atUs - first.atUs)
        : admits(before.rates, Math.max(changedUs - first.atUs, 0)) + admits(after.rates, atUs - changedUs);
      assert.ok(units <= most, `${what}: ${units} units in ${atUs - first.atUs} µs, where ${most} are the most`);
    }
  }
}
