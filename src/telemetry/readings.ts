/**
 * What an instance says of itself at one moment, as values of metrics. Others are recorded: see `recorded.ts`.
 *
 * @module
 */

import { ClosedError } from "../base/errors.ts";
import type { DenialCount } from "../observe/denial_counts.ts";
import type { DenialReason } from "../decision/outcome.ts";
import { rulesText } from "../policy/rules_text.ts";
import type { LimiterListing, StoreListing } from "../registry/listing.ts";
import type { RateSync } from "../registry/rate_sync.ts";
import type { AttributeName, InstrumentId } from "./instruments.ts";

/** Attributes with their values. */
export type Attributes = Readonly<Partial<Record<AttributeName, string>>>;

/** A value of a metric. */
export interface Reading {
  /** Which metric. */
  readonly id: InstrumentId;
  /** The value. */
  readonly value: number;
  /** What it is about. */
  readonly attributes: Attributes;
}

/** The values of an instance; none after it was closed. */
export function readingsOf(rs: RateSync): Reading[] {
  try {
    const limiters = Object.entries(rs.listLimiters()).flatMap(([id, listing]) => readingsOfLimiter(id, listing));
    const stores = Object.entries(rs.listStores()).flatMap(([id, listing]) => readingsOfStore(id, listing));
    return [...limiters, ...stores, { id: "configVersion", value: rs.configVersion, attributes: {} }];
  } catch (error) {
    if (error instanceof ClosedError) return [];
    throw error;
  }
}

/** A count of denials. */
export function readingOfDenials({ limiter, rule, keyClass, count }: Readonly<DenialCount>): Reading {
  return { id: "denials", value: count, attributes: { limiter, rule, key_class: keyClass } };
}

function readingsOfLimiter(limiter: string, { store, policy, metrics }: LimiterListing): Reading[] {
  const about = (id: InstrumentId, value: number, more: Attributes = {}) => ({
    id,
    value,
    attributes: { limiter, ...more },
  });
  const reasons = Object.entries(metrics.denialsByReason) as [DenialReason, number][];
  return [
    about("requests", metrics.totalAcquisitions, { result: "allowed" }),
    ...reasons.map(([reason, count]) => about("requests", count, { result: "denied", reason })),
    about("requests", metrics.aborts, { result: "aborted" }),
    about("requests", metrics.failures, { result: "failed" }),
    about("degraded", metrics.degradedDecisions),
    about("shortcuts", metrics.denyCacheHits, { source: "deny_cache" }),
    about("shortcuts", metrics.tokenLeaseHits, { source: "token_lease" }),
    about("storeErrors", metrics.storeErrors),
    about("queued", metrics.waiting),
    about("activeLeases", metrics.currentConcurrent),
    about("lostLeases", metrics.leasesLost),
    about("limiterInfo", 1, { store, rules: rulesText(policy) }),
  ];
}

function readingsOfStore(store: string, listing: StoreListing): Reading[] {
  const { state, outages, connected, load, mixedRules = [] } = listing;
  const about = (id: InstrumentId, value: number, more: Attributes = {}) => ({
    id,
    value,
    attributes: { store, ...more },
  });
  return [
    ...(["up", "impaired", "down"] as const).map((each) =>
      about("storeState", Number(each === state), { state: each })
    ),
    about("outages", outages),
    ...(connected === undefined ? [] : [about("storeConnected", Number(connected))]),
    ...(load === undefined ? [] : [about("storeQueued", load.queued), about("storeActive", load.calls)]),
    ...mixedRules.map(({ limiter, others }) => about("mixedRules", others.length, { limiter })),
  ];
}
