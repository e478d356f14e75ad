/**
 * What becomes of the state of a key when the rules of its limiter change.
 *
 * @module
 */

import type { Kernel, Run } from "./kernel.ts";

/** How the states of one algorithm are handed over from rules to other rules. */
export interface Handover<Limit, State> {
  /** How long a limit remembers units, in microseconds. */
  spanUs(limit: Limit): number;
  /** Whether the states of two limits mean the same units: the limits differ in how many they allow. */
  countsAlike(one: Limit, other: Limit): boolean;
  /** A state of a limit that counts alike, under this one. Absent where it is the same. May reuse `state`. */
  adapt?(state: State, runs: readonly Run[], nowUs: number, limit: Limit): State;
  /** The state after units were taken by other rules, which count them their own way: they need not fit. May reuse `state`. */
  alsoTake(state: State, nowUs: number, atUs: number, units: number, limit: Limit): State;
  /** A state in which units have been taken; those that count no longer may be among them. */
  fromRuns(runs: readonly Run[], nowUs: number, limit: Limit): State;
}

/** How windows are handed over: units stay in the windows in which they were taken. */
export function windowHandover<Limit extends { readonly windowUs: number }, State>(
  kernel: Kernel<Limit, State>,
): Handover<Limit, State> {
  return {
    spanUs: ({ windowUs }) => windowUs,
    countsAlike: (one, other) => one.windowUs === other.windowUs,
    alsoTake: (state, nowUs, atUs, units, limit) => kernel.take(state, nowUs, atUs, units, limit),
    fromRuns: (runs, nowUs, limit) =>
      runs.filter(({ atUs }) => atUs + limit.windowUs > nowUs)
        .reduce((state, { atUs, units }) => kernel.take(state, nowUs, atUs, units, limit), kernel.fresh()),
  };
}
