/**
 * The properties by which a store is held to the memory store: the same for each store.
 *
 * @module
 */

import fc from "fast-check";

import type { LimiterOptions } from "../../mod.ts";
import {
  batchesArb,
  bucketKeysArb,
  limiterArb,
  limitersArb,
  permitLimitersArb,
  permitStepArb,
  runs,
  severalKeysArb,
  startArb,
  type Step,
  stepArb,
  windowKeysArb,
} from "./arbitraries.ts";

/** Holds a store to the memory store while it runs steps one by one. Rejects at the first difference. */
export type HoldSteps = (limiters: readonly LimiterOptions[], startUs: number, steps: readonly Step[]) => Promise<void>;

/** The same for steps that are asked together. */
export type HoldBatches = (
  limiters: readonly LimiterOptions[],
  startUs: number,
  batches: readonly (readonly [Step, ...Step[]])[],
) => Promise<void>;

/** Tries a property: one run after the other, or, where they share nothing, with `assertPipelined`. */
export type AssertProperty = <Values>(
  property: fc.IAsyncProperty<Values>,
  options: { readonly numRuns: number },
) => Promise<void>;

/** The same permits, in the same order, to the same waiters. */
export async function assertSamePermits(
  count: number,
  hold: HoldSteps,
  assertProperty: AssertProperty = fc.assert,
): Promise<void> {
  const stepsArb = fc.array(permitStepArb, { minLength: 1, maxLength: 40, size: "max" });
  await assertProperty(fc.asyncProperty(permitLimitersArb, startArb, stepsArb, hold), { numRuns: runs(count) });
}

/** The same replies and the same stored states. */
export async function assertSameStates(
  count: number,
  hold: HoldSteps,
  assertProperty: AssertProperty = fc.assert,
): Promise<void> {
  const stepsArb = fc.array(stepArb, { minLength: 1, maxLength: 30 });
  await assertProperty(fc.asyncProperty(limitersArb, startArb, stepsArb, hold), { numRuns: runs(count) });
}

/**
 * The same when the clock steps back. All steps together stay within what an integer keeps of the start of a fixed window: 12.7
 * days. One limiter: the memory store, whose own clock never does so, would forget what is fresh when others come. And no
 * blocks: one that is over is not stored again.
 */
export async function assertSameAfterStepsBack(
  count: number,
  hold: HoldSteps,
  assertProperty: AssertProperty = fc.assert,
): Promise<void> {
  const backArb = fc.tuple(
    stepArb.filter(({ ask }) => ask !== "block"),
    fc.constantFrom(0, 0, 1, 2, 1_000, 5_000_000, 36e9),
  ).map(([step, us]): Step => us === 0 ? step : { ...step, move: { by: "us", us: -us } });
  const stepsArb = fc.array(backArb, { minLength: 1, maxLength: 30 });
  const one: fc.Arbitrary<LimiterOptions[]> = limiterArb.map((options) => [options]);
  await assertProperty(fc.asyncProperty(one, startArb, stepsArb, hold), { numRuns: runs(count) });
}

/** The same for batches of takes, merged or not. */
export async function assertSameBatches(
  count: number,
  hold: HoldBatches,
  assertProperty: AssertProperty = fc.assert,
): Promise<void> {
  const keysArb = fc.oneof(bucketKeysArb, windowKeysArb, severalKeysArb);
  await assertProperty(fc.asyncProperty(keysArb, startArb, batchesArb, hold), { numRuns: runs(count) });
}
