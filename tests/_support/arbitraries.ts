/**
 * What properties are tried on: limiters of every kind, and steps in time biased to where trouble lives.
 *
 * @module
 */

import fc from "fast-check";

import type { LimiterOptions, LimitOptions } from "../../src/policy/options.ts";
import { compilePolicy } from "../../src/policy/compile_policy.ts";

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

/** When a sequence begins: in these decades, and about the instant at which the last 14 digits of one begin anew. */
export const startArb: fc.Arbitrary<number> = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1_700_000_000_000_000, max: 1_900_000_000_000_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: -20_000_000, max: 10 }).map((us) => 1_800_000_000_000_000 + us) },
  // Where what a fixed window keeps of its start begins anew.
  { weight: 1, arbitrary: fc.integer({ min: -20_000_000, max: 10 }).map((us) => 820 * 2 ** 41 + us) },
);

/** One step: how far time moves (to the microsecond), and the request then. */
export interface Step {
  /** How the clock moves before the call. `retry` goes to exactly when the last denial said, plus `offsetUs`. */
  readonly move: { readonly by: "us"; readonly us: number } | { readonly by: "retry"; readonly offsetUs: number };
  /** The request. `again` repeats one of a call that queues. */
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
  /** Asks this limiter alone, where it is set; counted round. */
  readonly only?: number;
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

/** Limiters with permits: some with nothing else, some with a rate or a bounded queue. */
export const permitLimitersArb: fc.Arbitrary<LimiterOptions[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.constant({ ratePerSecond: 20, burst: 2 }) },
  ).chain((rate) =>
    fc.record({
      maxConcurrent: fc.integer({ min: 1, max: 3 }),
      maxWaiters: fc.constantFrom(0, 1, 2, 9, 9, 9),
      leaseTtlMs: fc.constantFrom(100, 100, 100, 86_400_000),
    }).map((permits) => ({ ...rate, ...permits }))
  ),
  { minLength: 1, maxLength: 3 },
);

/** Steps that take, wait for, give back and renew permits, with many at one instant and in one call. */
export const permitStepArb: fc.Arbitrary<Step> = fc.record({
  move: fc.oneof(
    fc.record({
      by: fc.constant("us" as const),
      us: fc.constantFrom(0, 0, 0, 1, 1, 2, 30_000, 99_999, 100_000, 150_000),
    }),
    fc.record({ by: fc.constant("retry" as const), offsetUs: fc.constantFrom(-1, 0, 0) }),
  ),
  ask: fc.constantFrom(
    ...["now", "now", "now", "wait", "wait", "wait", "wait", "again", "again", "again", "peek"] as const,
    ...["release", "release", "release", "release", "renew", "block", "reset"] as const,
  ),
  share: fc.constantFrom(0, 0, 0, 0.6),
  pick: fc.nat(1_000),
  together: fc.boolean(),
});

/** A token bucket whose numbers are as large, as small or as crooked as they may be. */
export const extremeBucketArb: fc.Arbitrary<LimiterOptions> = fc.oneof(
  fc.record({
    ratePerSecond: fc.constantFrom(1e-7, 0.1 + 0.2, 1 / 3, 999_983 / 7, 999_999.5, 1e6),
    burst: fc.constantFrom(1, 2, 50, 107),
  }),
  fc.record({
    limit: fc.constantFrom(1, 7, 999_983, 1_000_000),
    windowMs: fc.constantFrom(1_000, 60_000, 1e9 + 0.007),
    burst: fc.constantFrom(1, 3, 1_000_000, 1_000_000_000),
  }),
  fc.record({ limit: fc.constantFrom(1, 1_000_000_000_000), windowMs: fc.constantFrom(1e12, 1_099_511_627_776) }),
).filter((options) => {
  try {
    return compilePolicy(options) !== undefined;
  } catch {
    return false;
  }
});

/** Single windows that are asked in one batch: some of them several keys of one limiter. */
export const windowKeysArb: fc.Arbitrary<LimiterOptions[]> = fc.tuple(
  fc.array(windowed as fc.Arbitrary<LimiterOptions>, { minLength: 1, maxLength: 3 }),
  fc.array(fc.nat(2), { minLength: 1, maxLength: 6 }),
).map(([options, picks]) => picks.map((pick) => options[pick % options.length] as LimiterOptions));

/** Token buckets that are asked in one batch: some of them several keys of one limiter. */
export const bucketKeysArb: fc.Arbitrary<LimiterOptions[]> = fc.tuple(
  fc.array(fc.oneof(bucket as fc.Arbitrary<LimiterOptions>, extremeBucketArb), { minLength: 1, maxLength: 3 }),
  fc.array(fc.nat(2), { minLength: 1, maxLength: 6 }),
).map(([options, picks]) => picks.map((pick) => options[pick % options.length] as LimiterOptions));

/** Limits of one key, none of them an exact window: one of those refuses what others make wait for years. */
const packedArb: fc.Arbitrary<LimitOptions> = fc.oneof(
  { weight: 3, arbitrary: limitArb.filter(({ algorithm }) => algorithm !== "sliding_window") },
  { weight: 1, arbitrary: extremeBucketArb as fc.Arbitrary<LimitOptions> },
);

/** Limiters of several limits that are asked in one batch: some of them several keys of one limiter. */
export const severalKeysArb: fc.Arbitrary<LimiterOptions[]> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(packedArb) },
  { weight: 1, arbitrary: fc.constant(limitArb) },
).chain((limit) =>
  fc.tuple(
    fc.array(fc.array(limit, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
    fc.array(fc.nat(2), { minLength: 1, maxLength: 6 }),
  )
).map(([some, picks]) => {
  const options = some.map((limits): LimiterOptions => ({ limits }));
  return picks.map((pick) => options[pick % options.length] as LimiterOptions);
});

/** Batches of takes from single targets: many alike, some not; now and then something else between two batches. */
export const batchesArb: fc.Arbitrary<[Step, ...Step[]][]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.array(
        fc.record({
          step: stepArb,
          ask: fc.constantFrom("now", "now", "now", "wait", "wait", "peek"),
          share: fc.constantFrom(0, 0, 0, 0.3, 1),
          place: fc.nat(5),
          again: fc.constantFrom(0, 0, 1, 5),
        }),
        { minLength: 1, maxLength: 12 },
      ).map((takes) =>
        takes.flatMap(({ step, ask, share, place, again }): Step[] =>
          Array<Step>(again + 1).fill({ ...step, ask, share, only: place })
        )
      ),
    },
    { weight: 1, arbitrary: stepArb.map((step): Step[] => [step]) },
  ) as fc.Arbitrary<[Step, ...Step[]]>,
  { minLength: 1, maxLength: 8 },
);
