/**
 * The `[limiters.<id>]` sections.
 *
 * @module
 */

import { ALGORITHM_NAMES } from "../../algorithms/mod.ts";
import { listWords } from "../../base/text.ts";
import type { LimiterOptions, LimitOptions } from "../../policy/options.ts";
import { defined } from "./defined.ts";
import { FAILURE_KEYS, readFailure } from "./failure.ts";
import { type Section, suggest } from "./section.ts";

/** The options of one rate limit. */
const LIMIT_KEYS: readonly string[] = [
  "algorithm",
  "rate_per_second",
  "burst",
  "limit",
  "window_seconds",
  "window",
];

/** The options of a limiter. */
const LIMITER_KEYS: readonly string[] = [
  "store",
  ...LIMIT_KEYS,
  "limits",
  "max_concurrent",
  "max_waiters",
  "lease_ttl",
  "timeout",
  "deny_cache",
  "token_lease",
  "key_shards",
  "on_change",
  ...FAILURE_KEYS,
];

/**
 * Reads one limiter: names and types only. Whether the numbers make sense together is for `compilePolicy` to say.
 *
 * @param section The limiter's table.
 * @param stores The ids of the stores of the same file.
 * @returns The limiter's options; `store` is there whenever the file has stores.
 * @throws {ConfigError} If an option is unknown or of the wrong type, or the store is not in the file.
 */
export function readLimiter(section: Section, stores: readonly string[]): LimiterOptions {
  section.allowOnly(LIMITER_KEYS);
  return defined({
    store: readStoreId(section, stores),
    ...readLimit(section),
    limits: section.sections("limits")?.map((limit) => {
      limit.allowOnly(LIMIT_KEYS);
      return readLimit(limit);
    }),
    maxConcurrent: section.number("max_concurrent", { whole: true }),
    maxWaiters: section.number("max_waiters", { whole: true }),
    leaseTtlMs: section.durationMs("lease_ttl"),
    timeoutMs: section.durationMs("timeout", { infinite: true }),
    denyCacheMs: section.durationMs("deny_cache"),
    tokenLeaseMs: section.durationMs("token_lease"),
    keyShards: section.number("key_shards", { whole: true }),
    onChange: section.choice("on_change", ["keep", "scale", "reset"]),
    ...readFailure(section),
  });
}

function readLimit(section: Section): LimitOptions {
  return defined({
    algorithm: section.choice("algorithm", ALGORITHM_NAMES),
    ratePerSecond: section.number("rate_per_second"),
    burst: section.number("burst", { whole: true }),
    limit: section.number("limit", { whole: true }),
    windowMs: readWindowMs(section),
  });
}

/** `window_seconds` and `window` are the same option: the seeds' name, and the one that reads well with "5m". */
function readWindowMs(section: Section): number | undefined {
  const windowMs = section.durationMs("window_seconds");
  if (windowMs !== undefined && section.has("window")) {
    section.fail("window", "either window_seconds or window", "both");
  }
  return windowMs ?? section.durationMs("window");
}

function readStoreId(section: Section, stores: readonly string[]): string | undefined {
  const store = section.text("store");
  if (store === undefined) {
    if (stores.length < 2) return stores[0];
    section.fail("store", `one of the stores ${listWords(stores)}`);
  }
  if (!stores.includes(store)) {
    const known = stores.length === 0
      ? "a store of this file, which has none"
      : `${stores.length === 1 ? "the store" : "one of the stores"} ${listWords(stores)}`;
    section.fail("store", known, section.shown("store") + suggest(store, stores));
  }
  return store;
}
