/**
 * What a user writes to describe an instance: its stores and its limiters.
 *
 * @module
 */

import type { LimiterOptions } from "../policy/options.ts";
import type { StoreConfig } from "./engines.ts";

/** Everything that a configuration can say. */
export interface RateSyncConfig {
  /** Stores by id. Without any, limiters use a memory store of this process. */
  readonly stores: Readonly<Record<string, StoreConfig>>;
  /** Limiters by id. */
  readonly limiters: Readonly<Record<string, LimiterOptions>>;
  /** Settings of HTTP integrations, kept for them as they are. */
  readonly http: HttpConfig;
}

/** Settings that HTTP integrations read. */
export interface HttpConfig {
  /** Networks of trusted proxies, as CIDRs. */
  readonly trustedProxyNetworks?: readonly string[];
}
