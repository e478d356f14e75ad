/**
 * A policy: what a limiter asks of its store, validated and immutable.
 *
 * @module
 */

import type { RateLimit } from "../algorithms/limit.ts";
import type { OnChange } from "../algorithms/take_over.ts";
import type { StoreErrorPolicy } from "./options.ts";

/** The rules of a limiter. Frozen. */
export interface Policy {
  /** The rate limits that must all agree; none for a limiter that only counts who is inside. */
  readonly rates: readonly RateLimit[];
  /** How many permits may be held at once; 0 where that is not limited. */
  readonly maxConcurrent: number;
  /** How many calls may wait for one key; more are denied at once. Infinity for any number. */
  readonly maxWaiters: number;
  /** How long a permit outlives a crashed holder, in microseconds. */
  readonly leaseTtlUs: number;
  /** The largest cost that one call can ever be granted. */
  readonly capacity: number;
  /** How long `acquire` may wait, in milliseconds, where the limiter says so. */
  readonly timeoutMs: number | undefined;
  /** How long a denial may be repeated without asking the store, in microseconds; 0 for never. */
  readonly denyCacheUs: number;
  /** How long units that were taken in advance may be used, in microseconds; 0 where none are. */
  readonly tokenLeaseUs: number;
  /** In how many hash slots of a cluster the keys lie; 0 where each has its own. */
  readonly keyShards: number;
  /** What becomes of counted units when these rules replace others. */
  readonly onChange: OnChange;
  /** What happens when the store cannot decide. */
  readonly onStoreError: StoreErrorPolicy;
  /** How long the store may take to decide, in microseconds; may be Infinity. */
  readonly decisionTimeoutUs: number;
  /** The share of the limits that this process applies alone when the store cannot decide. */
  readonly localShare: number;
}

/** How many permits a call takes: one for any cost, or as many as its cost if there is no rate to charge. */
export function permitsOf({ maxConcurrent, rates }: Policy, cost: number): number {
  return maxConcurrent === 0 ? 0 : rates.length === 0 ? cost : 1;
}

/** The rules of a limiter, with its name. */
export interface NamedPolicy {
  /** The limiter's id. */
  readonly limiter: string;
  /** The limiter's rules. */
  readonly policy: Policy;
}
