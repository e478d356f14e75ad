/**
 * Whether what processes were allowed together keeps to the limits.
 *
 * @module
 */

import type { LimiterOptions } from "../../src/policy/options.ts";
import { LIMITERS } from "./requests.ts";

/** What a process was allowed. */
export interface Allowed {
  /** For each key of each limiter, the instants for which units were taken, by the server's clock, in microseconds. */
  readonly taken: Readonly<Record<string, readonly number[]>>;
}

/** Each key with more units in some interval than its limit lets through. */
export function violationsIn(results: readonly Allowed[]): string[] {
  const found: string[] = [];
  for (const key of new Set(results.flatMap(({ taken }) => Object.keys(taken)))) {
    const instants = results.flatMap(({ taken }) => taken[key] ?? []).sort((a, b) => a - b);
    const { options } = LIMITERS[key.slice(0, key.indexOf(":"))] as typeof LIMITERS[string];
    const at = options.algorithm === undefined ? overBucket(instants, options) : overWindow(instants, options);
    if (at !== undefined) found.push(`${key}: too many units up to ${at} µs, of ${instants.length}`);
  }
  return found;
}

/**
 * The first instant at which some interval that ends there has more than `burst + duration x rate` units; undefined if there
 * is none. In exact numbers: of such intervals the worst is the one that the latest empty bucket begins.
 */
export function overBucket(
  instants: readonly number[],
  { ratePerSecond = 0, burst = 1 }: Pick<LimiterOptions, "ratePerSecond" | "burst">,
): number | undefined {
  // In units of 1 / rate µs: a unit takes 1 000 000 of them.
  const [rate, unit] = [BigInt(ratePerSecond), 1_000_000n];
  let full = 0n;
  for (const us of instants) {
    const now = BigInt(us) * rate;
    full = (full > now ? full : now) + unit;
    // A clock of whole microseconds: a call at `us` may have come up to a microsecond later than another one says.
    if (full > now + BigInt(burst) * unit + rate) return us;
  }
  return undefined;
}

/** The same for windows: in one that slides there are at most `limit` units, in one that begins at any unit twice as many. */
export function overWindow(
  instants: readonly number[],
  { algorithm, limit = 0, windowMs = 0 }: Pick<LimiterOptions, "algorithm" | "limit" | "windowMs">,
): number | undefined {
  const most = algorithm === "sliding_window" ? limit : 2 * limit;
  return instants.find((us, i) => i >= most && us - (instants[i - most] as number) < windowMs * 1_000);
}
