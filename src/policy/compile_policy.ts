/**
 * Options of a limiter into a policy.
 *
 * @module
 */

import type { RateLimit } from "../algorithms/limit.ts";
import { algorithmOf, DEFAULT_ALGORITHM } from "../algorithms/mod.ts";
import type { OnChange } from "../algorithms/take_over.ts";
import { ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import { rejectUnknownOptions, unknownWord } from "../base/unknown_options.ts";
import { compileLimit } from "./compile_limit.ts";
import { compileFailure, FAILURE_KEYS } from "./failure_options.ts";
import type { FailureOptions, LimiterOptions, LimitOptions } from "./options.ts";
import type { Policy } from "./policy.ts";
import { localPolicy } from "./share.ts";

const ON_CHANGE = ["keep", "scale", "reset"] as const;

/** How long a slot outlives a crashed holder where nothing else is said. */
const DEFAULT_LEASE_TTL_MS = 15_000;

/** How long a denial may be repeated where nothing else is said. */
const DEFAULT_DENY_CACHE_MS = 1_000;

const LIMIT_KEYS = ["algorithm", "ratePerSecond", "limit", "windowMs", "burst"] as const;
const LIMITER_KEYS = [
  ...LIMIT_KEYS,
  "store",
  "limits",
  "maxConcurrent",
  "maxWaiters",
  "leaseTtlMs",
  "timeoutMs",
  "denyCacheMs",
  "tokenLeaseMs",
  "keyShards",
  "onChange",
  ...FAILURE_KEYS,
] as const;

/**
 * Checks a limiter's options and prepares them for arithmetic.
 *
 * @param options The limiter's options.
 * @param store What its store says of failures; the limiter's own options come first.
 * @throws {ConfigError} If anything is missing, contradictory or out of range; `path` names the option.
 */
export function compilePolicy(options: LimiterOptions, store: FailureOptions = {}): Policy {
  rejectUnknown(options, LIMITER_KEYS, "");
  const whole = compileRates(options);
  const tokenLeaseUs = compileTokenLease(options, whole);
  const rates = tokenLeaseUs === 0 ? whole : whole.map((rate) => {
    return algorithmOf(rate.algorithm).lend?.(rate, tokenLeaseUs) ?? rate;
  });
  const maxConcurrent = options.maxConcurrent === undefined ? 0 : integer(options.maxConcurrent, "maxConcurrent", 1e9);
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
    maxWaiters: options.maxWaiters === undefined ? Infinity : integer(options.maxWaiters, "maxWaiters", 1e9, 0),
    leaseTtlUs: Math.round(
      range(
        options.leaseTtlMs === undefined ? DEFAULT_LEASE_TTL_MS : options.leaseTtlMs,
        "leaseTtlMs",
        "milliseconds from 100 to 86 400 000",
        100,
        864e5,
      ) *
        1_000,
    ),
    capacity: rates.length === 0 ? maxConcurrent : Math.min(...rates.map((rate) => rate.capacity)),
    timeoutMs: options.timeoutMs === undefined
      ? undefined
      : range(options.timeoutMs, "timeoutMs", "milliseconds from 0 to Infinity", 0, Infinity),
    denyCacheUs: Math.round(
      range(
        options.denyCacheMs === undefined ? DEFAULT_DENY_CACHE_MS : options.denyCacheMs,
        "denyCacheMs",
        "milliseconds from 0 to 86 400 000",
        0,
        864e5,
      ) * 1_000,
    ),
    tokenLeaseUs,
    keyShards: options.keyShards === undefined ? 0 : integer(options.keyShards, "keyShards", 1_024),
    onChange: compileOnChange(options.onChange),
    ...compileFailure(options, store),
  });
  checkShare(policy);
  return policy;
}

function compileOnChange(onChange: OnChange = "keep"): OnChange {
  if (ON_CHANGE.includes(onChange)) return onChange;
  throw unknownWord("onChange", ON_CHANGE, onChange);
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
      if (typeof limit !== "object" || limit === null) {
        throw new ConfigError({ path: `limits[${i}]`, expected: "an object", received: show(limit) });
      }
      rejectUnknown(limit, LIMIT_KEYS, `limits[${i}].`);
      return compileLimit(limit, `limits[${i}].`);
    });
  }
  const onlySlots = options.maxConcurrent !== undefined &&
    alone.every((key) => key === "algorithm" && options.algorithm === DEFAULT_ALGORITHM);
  return alone.length === 0 || onlySlots ? [] : [compileLimit(options, "")];
}

function compileTokenLease(options: LimiterOptions, [rate]: readonly RateLimit[]): number {
  const { tokenLeaseMs = 0, limits, maxConcurrent } = options;
  if (tokenLeaseMs === 0) return 0;
  const leaseMs = range(tokenLeaseMs, "tokenLeaseMs", "0, or milliseconds from 1 to 10 000", 1, 1e4);
  const lends = rate !== undefined && algorithmOf(rate.algorithm).lend !== undefined;
  if (limits === undefined && maxConcurrent === undefined && lends) {
    return Math.round(leaseMs * 1_000);
  }
  throw new ConfigError({
    path: "tokenLeaseMs",
    expected: "0, or a limiter that is one token bucket and has no slots",
    received: show(tokenLeaseMs),
  });
}

function rejectUnknown(options: object, known: readonly string[], prefix: string): void {
  if (typeof options !== "object" || options === null) {
    throw new ConfigError({ path: prefix.replace(/\.$/, ""), expected: "an object", received: show(options) });
  }
  rejectUnknownOptions(options, known, prefix);
}

function integer(value: unknown, path: string, max: number, min: number = 1): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new ConfigError({ path, expected: `a whole number from ${min} to ${max}`, received: show(value) });
}

function range(value: unknown, path: string, expected: string, min: number, max: number): number {
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw new ConfigError({ path, expected, received: show(value) });
}
