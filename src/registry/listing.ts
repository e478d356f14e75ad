/**
 * How stores and limiters look in listings.
 *
 * @module
 */

import type { StoreError } from "../base/errors.ts";
import type { LimiterMetrics } from "../observe/metrics.ts";
import type { Policy } from "../policy/policy.ts";
import type { RulesReport, StoreLoad } from "../stores/store.ts";

/** How a store looks in a listing. */
export interface StoreListing {
  /** What kind of store it is. */
  readonly engine: string;
  /** Where it is, without credentials; undefined where that means nothing. */
  readonly url: string | undefined;
  /** Whether it has been opened. */
  readonly open: boolean;
  /**
   * Whether requests can be sent: there is a connection, or none is needed. Undefined where the store is not open, or
   * inside this process.
   */
  readonly connected: boolean | undefined;
  /** What is on its way to it at this moment; undefined where it is not open, or inside this process. */
  readonly load: StoreLoad | undefined;
  /**
   * `up`: it decides. `impaired`: it has failed for some calls within the last ten seconds, and decides the others. Where
   * no call came after these, reading this later causes a probe; a second after its answer, it is `up`. `down`: limiters do
   * not ask it, their failure policies decide.
   */
  readonly state: "up" | "impaired" | "down";
  /** Since when it is down, in milliseconds since the Unix epoch; undefined while it is up. */
  readonly downSinceMs: number | undefined;
  /** How often it went down. */
  readonly outages: number;
  /** Why it is down or impaired; undefined while it is up. */
  readonly error: StoreError | undefined;
  /** The limiters for which other processes use other rules; absent where there are none. */
  readonly mixedRules?: readonly RulesReport[];
}

/** How a limiter looks in a listing. */
export interface LimiterListing {
  /** The id of its store. */
  readonly store: string;
  /** Its rules, compiled. */
  readonly policy: Policy;
  /** What it has done so far in this process. */
  readonly metrics: LimiterMetrics;
}
