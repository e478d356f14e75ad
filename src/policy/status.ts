/**
 * Where one limit stands, in a caller's words.
 *
 * @module
 */

import type { Level } from "../algorithms/kernel.ts";
import type { RateLimit } from "../algorithms/limit.ts";
import { algorithmOf } from "../algorithms/mod.ts";
import type { Algorithm } from "./options.ts";
import type { NamedPolicy } from "./policy.ts";

/** One limit of a decision. */
export interface LimitStatus {
  /** The limiter that it belongs to. */
  readonly limiter: string;
  /** How it counts. */
  readonly algorithm: Algorithm;
  /** The most units that it holds, or `maxConcurrent`. */
  readonly limit: number;
  /** Units, or permits, that are left after this decision. */
  readonly remaining: number;
  /** The window in which `limit` units become free again, in milliseconds; undefined for permits. */
  readonly windowMs: number | undefined;
  /** When all of `limit` is free again, with no other traffic, in milliseconds. For permits: the first of them. */
  readonly resetAfterMs: number;
}

/** Where all limits of several limiters stand. */
export interface Standing {
  /** One for each limiter. */
  readonly levels: readonly PolicyLevel[];
}

/** Where the limits of one limiter stand. */
export interface PolicyLevel {
  /** One for each of its rates. */
  readonly rates: readonly Level[];
  /** Permits in use, and the microseconds until one falls free by itself; where it has permits. */
  readonly permits: { readonly used: number; readonly freeInUs: number } | undefined;
  /**
   * Of several that are `blocked`: how long this one is, or until its rates agree too, in microseconds; absent if it is not.
   */
  readonly blockedUs?: number | undefined;
}

/** Describes every limit of some limiters, in order, permits last. */
export function limitStatuses(named: readonly NamedPolicy[], levels: readonly PolicyLevel[]): readonly LimitStatus[] {
  if (named.length === 1) return statusesOf(named[0] as NamedPolicy, levels[0] as PolicyLevel);
  return named.flatMap((each, i) => statusesOf(each, levels[i] as PolicyLevel));
}

function statusesOf({ limiter, policy }: NamedPolicy, level: PolicyLevel): LimitStatus[] {
  const { rates } = policy;
  const statusOf = (rate: RateLimit, i: number) => rateStatus(limiter, rate, level.rates[i] ?? [0, 0]);
  const all = rates.length === 1 ? [statusOf(rates[0] as RateLimit, 0)] : rates.map(statusOf);
  if (policy.maxConcurrent === 0) return all;
  const { used, freeInUs } = level.permits ?? { used: 0, freeInUs: 0 };
  return [...all, {
    limiter,
    algorithm: "concurrency",
    limit: policy.maxConcurrent,
    remaining: Math.max(policy.maxConcurrent - used, 0),
    windowMs: undefined,
    resetAfterMs: freeInUs / 1_000,
  }];
}

/** Describes a rate limit after a decision. */
export function rateStatus(limiter: string, rate: RateLimit, level: Level): LimitStatus {
  const { algorithm, capacity: limit } = rate;
  const { remaining, windowMs, resetAfterMs } = algorithmOf(algorithm).standing(rate, level);
  return { limiter, algorithm, limit, remaining, windowMs, resetAfterMs };
}

/** The limit with the least left; of several, the one that is as good as unused last. Undefined of none. */
export function tightestOf(limits: readonly LimitStatus[]): LimitStatus | undefined {
  return limits.reduce<LimitStatus | undefined>((tightest, status) => {
    if (tightest === undefined || status.remaining < tightest.remaining) return status;
    return status.remaining === tightest.remaining && status.resetAfterMs > tightest.resetAfterMs ? status : tightest;
  }, undefined);
}
