/**
 * Sequences by which mistakes about permits beside rates are noticed.
 *
 * @module
 */

import type { Step } from "../arbitraries.ts";
import { assertParity, type ParityServices } from "../parity.ts";
import { sequence } from "./sequences.ts";

type Law = (services: ParityServices) => Promise<void>;

/** A rate in fractions of a microsecond, and two permits. */
const RATED = { limit: 7, windowMs: 60_000, maxConcurrent: 2, leaseTtlMs: 100 } as const;

/** Permits beside a rate: one, another at the same instant, none that is free, one that has ended, and one given back. */
export const assertRatedTaken: Law = sequence(
  RATED,
  { ask: "now" },
  { ask: "now" },
  { ask: "now", us: 10_000 },
  { ask: "now", us: 1 },
  { ask: "now", us: 100_000 },
  { ask: "release", pick: 2 },
  { ask: "now", us: 1_000 },
  { ask: "now", us: 1_000 },
  { ask: "now", us: 12_000_000 },
  { ask: "now", us: 50_000 },
);

/** One waits for the only permit, beside a rate; it is released, and another one comes. */
export const assertRatedServed: Law = sequence(
  { ...RATED, maxConcurrent: 1, leaseTtlMs: 10_000 },
  { ask: "now" },
  { ask: "wait", us: 10 },
  { ask: "wait", us: 10 },
  { ask: "release", us: 10, pick: 2 },
  { ask: "release", us: 10, pick: 0 },
  { ask: "now", us: 10 },
);

/** A call over two limiters, of which the first one has the permit. */
export function assertPermitFirst(services: ParityServices): Promise<void> {
  const step: Step = { move: { by: "us", us: 1 }, ask: "now", share: 0, pick: 2 }; // both
  const limiters = [{ maxConcurrent: 5, leaseTtlMs: 1_000 }, { limit: 3, windowMs: 60_000 }];
  return assertParity(limiters, 1_767_225_600_000_000, Array.from({ length: 6 }, () => step), services);
}

/** Two permits are free, and a lease has ended. */
export const assertEndedSeen: Law = sequence(
  { ...RATED, maxConcurrent: 3 },
  { ask: "now" },
  { ask: "now", us: 150_000 },
);

/** One waits for a rate while permits are free, and another call comes when the rate has come. */
export const assertNoneOvertaken: Law = sequence(
  { limit: 1, windowMs: 1_000, maxConcurrent: 3, leaseTtlMs: 10_000 },
  { ask: "now" },
  { ask: "wait", us: 10 },
  { ask: "now", us: 1_100_000 },
);
