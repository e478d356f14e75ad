/**
 * What a user writes to describe an instance: its stores and its limiters.
 *
 * @module
 */

import type { FailureOptions, LimiterOptions } from "../policy/options.ts";
import type { RedisClientStoreOptions, RedisStoreOptions } from "../stores/redis/options.ts";

/** A store inside this process: the embedded default. */
export interface MemoryStoreConfig {
  /** Picks this store. */
  readonly engine: "memory";
  /** The most keys held at once, from 1; past it the state nearest to fresh is forgotten first. @default {1_000_000} */
  readonly maxKeys?: number;
  /**
   * Checks every state after it was written: one that cannot be right is an error at the call that made it. For finding
   * mistakes of this package. @default {false}
   */
  readonly checkStates?: boolean;
}

/**
 * A store in Redis, shared by every process that names the same one. What it says of failures holds for all of its
 * limiters that do not say it themselves.
 */
export interface RedisStoreConfig extends RedisStoreOptions, FailureOptions {
  /** Picks this store. */
  readonly engine: "redis";
}

/** A store in Redis over a client that the application has made itself; only in code. */
export interface RedisClientStoreConfig extends RedisClientStoreOptions, FailureOptions {
  /** Picks this store. */
  readonly engine: "redis";
}

/** A store as configuration describes it. */
export type StoreConfig = MemoryStoreConfig | RedisStoreConfig | RedisClientStoreConfig;

/** Everything that a configuration can say. */
export interface RateSyncConfig {
  /** Stores by id. Without any, limiters use an embedded memory store. */
  readonly stores: Readonly<Record<string, StoreConfig>>;
  /** Limiters by id. */
  readonly limiters: Readonly<Record<string, LimiterOptions>>;
  /** Settings of HTTP integrations, kept for them as they are. */
  readonly http: HttpConfig;
}

/** Settings that HTTP integrations read. */
export interface HttpConfig {
  /** Networks whose proxies are believed, as CIDRs. */
  readonly trustedProxyNetworks?: readonly string[];
}
