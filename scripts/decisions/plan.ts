/**
 * What the processes of `npm run decisions` do.
 *
 * @module
 */

import type { LimiterOptions } from "../../src/policy/options.ts";

/** An hour, which is longer than a run. */
export const HOUR_MS = 3_600_000;

/** What each key admits. */
export const LIMIT = 1_000;

/** A limiter for each way to count; all ask the store for every decision. */
export const LIMITERS: Readonly<Record<string, LimiterOptions>> = {
  bucket: limiter("token_bucket"),
  fixed: limiter("fixed_window"),
  sliding: limiter("sliding_window"),
};

function limiter(algorithm: "token_bucket" | "fixed_window" | "sliding_window"): LimiterOptions {
  const burst = algorithm === "token_bucket" ? { burst: LIMIT } : {};
  return {
    algorithm,
    limit: LIMIT,
    windowMs: HOUR_MS,
    ...burst,
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
  /** What the process took of the processors, in microseconds. */
  readonly cpuUs: number;
}
