/**
 * Sequences that several groups of mistakes are noticed by.
 *
 * @module
 */

import type { LimiterOptions } from "../../../src/policy/options.ts";
import type { Step } from "../arbitraries.ts";
import { assertParity, type ParityServices } from "../parity.ts";

/** One sequence on both stores: each request, after how long, for which share; what it picks, if not the first. */
export function sequence(
  limiter: LimiterOptions,
  ...steps: readonly (Pick<Step, "ask"> & Partial<Step> & { readonly us?: number })[]
): (services: ParityServices) => Promise<void> {
  const all = steps.map(({ us = 0, ...step }): Step => ({ move: { by: "us", us }, share: 0, pick: 1, ...step }));
  return (services) => assertParity([limiter], 1_767_225_600_000_000, all, services);
}

/** A take after the clock has stepped back by a second. */
export const SECOND_BACK = { ask: "now", us: -1_000_000 } as const;

/** An empty bucket whose clock steps back: a peek, a denial that corrects it, and a give-back. */
export const assertBucketSettled: ReturnType<typeof sequence> = sequence(
  { limit: 2, windowMs: 10 },
  { ask: "now", share: 1 },
  { ask: "peek", us: -1_000_000 },
  { ask: "now" },
  { ask: "now", us: 1 },
  { ask: "giveBack", pick: 0 },
);

/** A day. */
export const DAY_MS = 86_400_000;

/** A log of one unit that soon ends. */
export const SHORT_LOG = { algorithm: "sliding_window", limit: 1, windowMs: 0.001 } as const;

/** One permit. */
export const ONE_PERMIT = { maxConcurrent: 1, leaseTtlMs: 100 } as const;

/** Waits for the end of a block, and gives back an older take while that instant is promised. */
export const assertPromiseKept: ReturnType<typeof sequence> = sequence(
  { ratePerSecond: 1, burst: 4 },
  { ask: "now" },
  { ask: "now" },
  { ask: "block", share: 1 },
  { ask: "wait" },
  { ask: "giveBack", pick: 4 },
);
