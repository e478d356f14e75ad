/**
 * What the processes of `npm run decisions` do.
 *
 * @module
 */

import type { LimiterOptions } from "../../src/policy/options.ts";

/** An hour, which is longer than a run. */
export const HOUR_MS = 3_600_000;

/** A limiter for each way to count; all ask the store for every decision. */
export const LIMITERS = ["bucket", "fixed", "sliding"] as const;

const ALGORITHMS = { bucket: "token_bucket", fixed: "fixed_window", sliding: "sliding_window" } as const;

/**
 * The limiters.
 *
 * @param limit What each key of each admits in an hour.
 */
export function limitersOf(limit: number): Readonly<Record<string, LimiterOptions>> {
  return Object.fromEntries(LIMITERS.map((name) => [name, optionsOf(name, limit)]));
}

function optionsOf(name: typeof LIMITERS[number], limit: number): LimiterOptions {
  return {
    algorithm: ALGORITHMS[name],
    limit,
    windowMs: HOUR_MS,
    ...(name === "bucket" ? { burst: limit } : {}),
    denyCacheMs: 0,
    onStoreError: "throw",
    decisionTimeoutMs: 30_000,
  };
}

/** What one process does. */
export interface Share {
  /** The store. */
  readonly engine: string;
  readonly url: string;
  /** How many decisions it asks for. */
  readonly count: number;
  /** How many of them at the same time. */
  readonly callers: number;
  /** What each key admits. */
  readonly limit: number;
  /** How many keys each limiter has. */
  readonly keys: number;
  /** What its choice of keys follows from. */
  readonly seed?: number;
}

/** What became of it. */
export interface WorkerResult {
  /** By limiter and key, how often it was asked, and how often the answer was yes. */
  readonly asked: Readonly<Record<string, readonly number[]>>;
  readonly admitted: Readonly<Record<string, readonly number[]>>;
  /** Calls without an answer. */
  readonly failed: number;
  /** Why they had none: how often, by message, and the second in which it was. */
  readonly failures: Readonly<Record<string, number>>;
  /** What the process took of the processors, in microseconds. */
  readonly cpuUs: number;
}
