/**
 * What a user writes to describe a limiter. `compilePolicy` turns it into a validated, immutable `Policy`.
 *
 * @module
 */

import type { RateAlgorithm } from "../algorithms/limit.ts";
import type { LimitOptions } from "../algorithms/options.ts";
import type { OnChange } from "../algorithms/take_over.ts";

export type { RateAlgorithm } from "../algorithms/limit.ts";
export type { LimitOptions } from "../algorithms/options.ts";
export type { OnChange } from "../algorithms/take_over.ts";

/** How a limit counts. `concurrency` counts the permits that are held, not calls. */
export type Algorithm = RateAlgorithm | "concurrency";

/**
 * What happens if the store cannot decide.
 *
 * - `local`: The same limits in the memory of this process, scaled by `localShare`.
 * - `allow`: The call is allowed.
 * - `deny`: The call is denied, with the reason `store`.
 * - `throw`: The call rejects with the `StoreError`.
 */
export type StoreErrorPolicy = "local" | "allow" | "deny" | "throw";

/** What happens when a store cannot decide, or not in time. A limiter's own options override those of its store. */
export interface FailureOptions {
  /**
   * What happens when the store cannot decide: the same limits in the memory of this process, allow, deny, or throw.
   * @default {"local"}
   */
  readonly onStoreError?: StoreErrorPolicy;
  /** `true` means `onStoreError: "deny"`, `false` means `"local"`; give one of the two. */
  readonly failClosed?: boolean;
  /**
   * How long the store may take to decide, in milliseconds, above 0; `Infinity` for as long as its connection allows.
   * Then `onStoreError` decides, and what the store grants later is given back. The wait of `acquire` does not count:
   * that is `timeoutMs`. @default {1_000}
   */
  readonly decisionTimeoutMs?: number;
  /**
   * With `onStoreError: "local"`, the share of the limits that this process applies alone, above 0 and at most 1: for a
   * fleet of n processes 1 / n, so that together they keep to the limit. At least one unit and one permit are left.
   * @default {1}
   */
  readonly localShare?: number;
}

/** A limiter: a rate, several rates, a number of permits, or rates and permits together. */
export interface LimiterOptions extends LimitOptions, FailureOptions {
  /** The store's id. Required if several stores are configured. */
  readonly store?: string;
  /** Several rate limits, each of which must allow the call, in place of a single one. */
  readonly limits?: readonly LimitOptions[];
  /** How many permits may be held at the same time, a whole number from 1. */
  readonly maxConcurrent?: number;
  /**
   * How many calls may wait for one key, a whole number from 0. One more is denied at once, with the reason
   * `queue_full`. For permits, callers of all processes count; for rates, those of this process.
   * @default {any number}
   */
  readonly maxWaiters?: number;
  /**
   * How long a permit stays taken after its holder crashed, in milliseconds; at least 100. The process renews leases
   * that are held at a third of it. @default {15_000}
   */
  readonly leaseTtlMs?: number;
  /**
   * How long `acquire` may wait, in milliseconds, 0 or more. 0 does not wait; Infinity waits without limit.
   * @default {30_000}
   */
  readonly timeoutMs?: number;
  /**
   * How long this process may repeat a denial of a Redis store without asking it, in milliseconds; 0 or more, and at
   * most until the time that the store named. A `reset`, `refund` or `cancel` by another process shows after it. 0 asks
   * each time. Denials for want of a permit are not repeated, because permits may be released at any time.
   * @default {1_000}
   */
  readonly denyCacheMs?: number;
  /**
   * Token leases: how long units that this process has taken in advance may be used, in milliseconds, from 1 to 10 000;
   * 0 for none. A hot key is then decided without a round trip. Only with one token bucket and no permits. To keep the
   * bound, `burst` is reduced by what refills in that time. A process holds up to half of the bucket for up to that
   * time, and others may be denied meanwhile. @default {0}
   */
  readonly tokenLeaseMs?: number;
  /**
   * In how many hash slots of a Redis Cluster the keys lie, a whole number from 1 to 1024. Calls in one hash slot share
   * a command, and limiters with as many shards decide on the same key in one step; but a hash slot is on one node. The
   * shard is a part of the key's name, so after a change the counts of most keys start anew.
   * @default each key has a hash slot of its own
   */
  readonly keyShards?: number;
  /**
   * What happens to counted units when these rules replace others: `"keep"` keeps them, `"scale"` keeps the used share
   * of the limit, `"reset"` begins anew. A block stays in any case. @default {"keep"}
   */
  readonly onChange?: OnChange;
}
