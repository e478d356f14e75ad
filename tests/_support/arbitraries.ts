/**
 * What properties are tried on: limiters of every kind, and steps in time biased to where trouble lives.
 *
 * @module
 */

import fc from "fast-check";

import type { LimiterOptions, LimitOptions } from "../../src/policy/options.ts";

/** How many cases a property tries: FC_RUNS, or the given number. */
export function runs(usual: number): number {
  return Number(process.env.FC_RUNS ?? usual);
}

const windowed = fc.record({
  algorithm: fc.constantFrom("sliding_window", "sliding_window_counter", "fixed_window"),
  limit: fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 12 }) },
    { weight: 1, arbitrary: fc.integer({ min: 33, max: 60 }) }, // too many to be read as a whole
  ),
  windowMs: fc.constantFrom(0.001, 0.007, 1, 3, 10, 1_000, 61_000),
}) as fc.Arbitrary<LimitOptions>;

const bucket: fc.Arbitrary<LimitOptions> = fc.oneof(
  fc.record({
    ratePerSecond: fc.constantFrom(0.5, 1, 3, 7, 10, 1 / 3, 33.3, 1_000, 700_001, 1_000_000),
    burst: fc.integer({ min: 1, max: 12 }),
  }),
  fc.record({
    limit: fc.integer({ min: 1, max: 12 }),
    windowMs: fc.constantFrom(0.013, 1, 10, 1_000, 86_400_000),
  }),
);

/** One rate limit of any algorithm. */
export const limitArb: fc.Arbitrary<LimitOptions> = fc.oneof(bucket, windowed);

/** A limiter with one to three rate limits, and perhaps slots. */
export const limiterArb: fc.Arbitrary<LimiterOptions> = fc.oneof(
  { weight: 4, arbitrary: limitArb as fc.Arbitrary<LimiterOptions> },
  { weight: 2, arbitrary: fc.record({ limits: fc.array(limitArb, { minLength: 2, maxLength: 3 }) }) },
  {
    weight: 2,
    arbitrary: fc.tuple(limitArb, fc.integer({ min: 1, max: 3 })).map(([limit, maxConcurrent]) => ({
      ...limit,
      maxConcurrent,
      leaseTtlMs: limit.limit === 1 ? 86_400_000 : 100,
    })),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 4 }).map((maxConcurrent) => ({ maxConcurrent, leaseTtlMs: 100 })),
  },
);

/** One to three limiters that are asked together, or one at a time. */
export const limitersArb: fc.Arbitrary<LimiterOptions[]> = fc.oneof(
  { weight: 3, arbitrary: limiterArb.map((options) => [options]) },
  { weight: 2, arbitrary: fc.array(limiterArb, { minLength: 2, maxLength: 3 }) },
);

/** One step: how far time moves (to the microsecond), and what is asked then. */
export interface Step {
  /** How the clock moves before the call. `retry` goes to exactly when the last denial said, plus `offsetUs`. */
  readonly move: { readonly by: "us"; readonly us: number } | { readonly by: "retry"; readonly offsetUs: number };
  /** What is asked. `again` asks for somebody who queues. */
  readonly ask:
    | "now"
    | "wait"
    | "again"
    | "peek"
    | "giveBack"
    | "refund"
    | "penalize"
    | "release"
    | "renew"
    | "block"
    | "reset";
  /** Units, as a share of the capacity: 0 is one unit, 1 all of them. */
  readonly share: number;
  /** Chooses among limiters, processes and those who hold or wait. */
  readonly pick: number;
  /** Asked in one call with the step before, at the same instant. */
  readonly together?: boolean;
}

/** Steps that dwell on equal instants, exact retries and the microseconds around them. */
export const stepArb: fc.Arbitrary<Step> = fc.record({
  move: fc.oneof(
    fc.record({
      by: fc.constant("us" as const),
      us: fc.oneof(fc.constantFrom(0, 0, 1, 2, 100_000, 150_000), fc.nat(20_000), fc.nat(3_000_000)),
    }),
    fc.record({ by: fc.constant("retry" as const), offsetUs: fc.constantFrom(-1, 0, 0, 1) }),
  ),
  ask: fc.constantFrom(
    ...["now", "now", "now", "now", "wait", "wait", "wait", "again", "peek", "giveBack", "giveBack"] as const,
    ...["refund", "penalize", "release", "release", "renew", "block", "reset"] as const,
  ),
  share: fc.oneof(fc.constant(0), fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })),
  pick: fc.nat(1_000),
  together: fc.boolean(),
});
