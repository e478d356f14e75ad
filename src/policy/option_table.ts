/**
 * How the options of a limiter are written and checked, one row each.
 *
 * @module
 */

import { ALGORITHM_NAMES } from "../algorithms/mod.ts";
import type { LimitOptions } from "../algorithms/options.ts";
import { numberFrom, type OptionRow, wholeNumber } from "../base/option_table.ts";
import { FAILURE_OPTIONS } from "./failure_options.ts";
import type { LimiterOptions, OnChange } from "./options.ts";

/** A day, in milliseconds. */
const DAY_MS = 864e5;

/** One rate limit. Each algorithm checks the numbers that it takes. */
export const LIMIT_OPTIONS: Readonly<Record<keyof LimitOptions, OptionRow>> = {
  algorithm: { type: ALGORITHM_NAMES },
  ratePerSecond: { type: "number" },
  burst: { type: "number", whole: true },
  limit: { type: "number", whole: true },
  windowMs: { type: "duration", keys: ["window_seconds", "window"] },
};

/** A limiter, but for the numbers of its limit. */
export const LIMITER_OPTIONS: Readonly<Record<keyof LimiterOptions, OptionRow>> = {
  store: { type: "text", check: ["the id of a store", (value) => typeof value === "string"] },
  ...LIMIT_OPTIONS,
  limits: { type: "tables" },
  maxConcurrent: { type: "number", whole: true, check: wholeNumber(1, 1e9) },
  maxWaiters: { type: "number", whole: true, check: wholeNumber(0, 1e9) },
  leaseTtlMs: { type: "duration", check: numberFrom("milliseconds from 100 to 86 400 000", 100, DAY_MS) },
  timeoutMs: {
    type: "duration",
    infinite: true,
    check: numberFrom("milliseconds from 0 to Infinity", 0, Infinity),
  },
  denyCacheMs: { type: "duration", check: numberFrom("milliseconds from 0 to 86 400 000", 0, DAY_MS) },
  tokenLeaseMs: {
    type: "duration",
    check: [
      "0, or milliseconds from 1 to 10 000",
      (ms) => ms === 0 || (typeof ms === "number" && ms >= 1 && ms <= 1e4),
    ],
  },
  keyShards: { type: "number", whole: true, check: wholeNumber(1, 1_024) },
  onChange: { type: ["keep", "scale", "reset"] satisfies OnChange[] },
  ...FAILURE_OPTIONS,
};
