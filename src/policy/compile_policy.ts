/**
 * Options of a limiter into a policy.
 *
 * @module
 */

import type { RateLimit } from "../algorithms/limit.ts";
import { algorithmOf, DEFAULT_ALGORITHM } from "../algorithms/mod.ts";
import { ConfigError } from "../base/errors.ts";
import { checkOptions, type OptionTable } from "../base/option_table.ts";
import { show } from "../base/text.ts";
import { rejectUnknownOptions } from "../base/unknown_options.ts";
import { compileFailure } from "./failure_options.ts";
import { LIMIT_OPTIONS, LIMITER_OPTIONS } from "./option_table.ts";
import type { FailureOptions, LimiterOptions, LimitOptions } from "./options.ts";
import type { Policy } from "./policy.ts";
import { localPolicy } from "./share.ts";

/** How long a permit outlives a crashed holder where nothing else is said. */
const DEFAULT_LEASE_TTL_MS = 15_000;

/** How long a denial may be repeated where nothing else is said. */
const DEFAULT_DENY_CACHE_MS = 1_000;

const LIMIT_KEYS = Object.keys(LIMIT_OPTIONS) as readonly (keyof LimitOptions)[];

/**
 * Checks a limiter's options and prepares them for arithmetic.
 *
 * @param options The limiter's options.
 * @param store What its store says of failures; the limiter's own options come first.
 * @throws {ConfigError} If anything is missing, contradictory or out of range; `path` names the option.
 */
export function compilePolicy(options: LimiterOptions, store: FailureOptions = {}): Policy {
  checkAlone(options, LIMITER_OPTIONS, "");
  const {
    maxConcurrent = 0,
    maxWaiters = Infinity,
    leaseTtlMs = DEFAULT_LEASE_TTL_MS,
    timeoutMs,
    denyCacheMs = DEFAULT_DENY_CACHE_MS,
    keyShards = 0,
    onChange = "keep",
  } = options;
  const whole = compileRates(options);
  const tokenLeaseUs = compileTokenLease(options, whole);
  const rates = tokenLeaseUs === 0 ? whole : whole.map((rate) => {
    return algorithmOf(rate.algorithm).lend?.(rate, tokenLeaseUs) ?? rate;
  });
  if (rates.length === 0 && maxConcurrent === 0) {
    throw new ConfigError({
      path: "ratePerSecond",
      expected: "at least one of ratePerSecond, limit with windowMs, limits, maxConcurrent",
      received: "none of them",
    });
  }
  const policy: Policy = Object.freeze({
    rates: Object.freeze(rates),
    maxConcurrent,
    maxWaiters,
    leaseTtlUs: Math.round(leaseTtlMs * 1_000),
    capacity: rates.length === 0 ? maxConcurrent : Math.min(...rates.map((rate) => rate.capacity)),
    timeoutMs,
    denyCacheUs: Math.round(denyCacheMs * 1_000),
    tokenLeaseUs,
    keyShards,
    onChange,
    ...compileFailure(options, store),
  });
  checkShare(policy);
  return policy;
}

/** The share is made now: what is wrong with it should not show when the store has gone. */
function checkShare(policy: Policy): void {
  try {
    localPolicy(policy);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const expected = `a larger share: ${error.expected}`;
    throw new ConfigError({ path: "localShare", expected, received: show(policy.localShare) });
  }
}

function compileRates(options: LimiterOptions): RateLimit[] {
  const alone = LIMIT_KEYS.filter((key) => options[key] !== undefined);
  if (options.limits !== undefined) {
    if (!Array.isArray(options.limits) || options.limits.length === 0 || options.limits.length > 32) {
      const received = Array.isArray(options.limits) ? `${options.limits.length} of them` : show(options.limits);
      throw new ConfigError({ path: "limits", expected: "an array of 1 to 32 limits", received });
    }
    const first = alone[0];
    if (first !== undefined) {
      throw new ConfigError({ path: first, expected: "no single limit beside limits", received: show(options[first]) });
    }
    return options.limits.map((limit: LimitOptions, i) => {
      checkAlone(limit, LIMIT_OPTIONS, `limits[${i}].`);
      return compileLimit(limit, `limits[${i}].`);
    });
  }
  const onlyPermits = options.maxConcurrent !== undefined &&
    alone.every((key) => key === "algorithm" && options.algorithm === DEFAULT_ALGORITHM);
  return alone.length === 0 || onlyPermits ? [] : [compileLimit(options, "")];
}

function compileTokenLease(options: LimiterOptions, [rate]: readonly RateLimit[]): number {
  const { tokenLeaseMs = 0, limits, maxConcurrent } = options;
  if (tokenLeaseMs === 0) return 0;
  const lends = rate !== undefined && algorithmOf(rate.algorithm).lend !== undefined;
  if (limits === undefined && maxConcurrent === undefined && lends) {
    return Math.round(tokenLeaseMs * 1_000);
  }
  throw new ConfigError({
    path: "tokenLeaseMs",
    expected: "0, or a limiter that is one token bucket and has no permits",
    received: show(tokenLeaseMs),
  });
}

/**
 * Prepares one limit for arithmetic.
 *
 * @param options The limit, whose options have been checked alone.
 * @param prefix What error messages put in front of option names, such as `limits[1].`.
 * @throws {ConfigError} If anything is missing, contradictory or out of range.
 */
export function compileLimit(options: LimitOptions, prefix: string): RateLimit {
  return algorithmOf(options.algorithm ?? DEFAULT_ALGORITHM).compile(options, prefix);
}

/** Refuses options that are unknown, and those that are wrong by themselves. */
function checkAlone(options: object, table: OptionTable, prefix: string): void {
  if (typeof options !== "object" || options === null) {
    throw new ConfigError({ path: prefix.replace(/\.$/, ""), expected: "an object", received: show(options) });
  }
  rejectUnknownOptions(options, Object.keys(table), prefix);
  checkOptions(options, table, prefix);
}
